// An OpenID provider for tests: the package oidc-provider with its own pages for signing in.
//   node openid_provider.mjs LIBRARY '{"port": …, "client": …, "secret": …, "redirect": …}'

const [library, words] = process.argv.slice(2);
const { default: Provider } = await import(library);
const { port, client, secret, redirect } = JSON.parse(words);

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id: client, client_secret: secret, redirect_uris: [redirect] }],
  claims: { openid: ["sub"], profile: ["name", "preferred_username", "groups"] },
  pkce: { required: () => true },
  findAccount(_context, id) {
    const [name, ...groups] = id.split("+");
    const claims = { sub: `subject-of-${name}`, name, preferred_username: name, groups };
    return { accountId: id, claims: () => claims };
  },
});
provider.listen(port, "127.0.0.1");
