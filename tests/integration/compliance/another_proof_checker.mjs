// Runs with somebody else's library (@sigstore/verify): it knows nothing of ours.
//   node another_proof_checker.mjs NODE_MODULES < [{"proof": …, "header": …, "key": …}, …]
// Prints a list of true (the proof holds) and of what was wrong instead.
import { createRequire } from 'node:module';
import { createPublicKey } from 'node:crypto';
import { text } from 'node:stream/consumers';

const require = createRequire(`${process.argv[2]}/`);
const { verifyCheckpoint } = require('@sigstore/verify/dist/timestamp/checkpoint.js');
const { verifyMerkleInclusion } = require('@sigstore/verify/dist/timestamp/merkle.js');

// The fixed beginning of an Ed25519 public key in DER (RFC 8410), before its 32 bytes.
const DER = Buffer.from('302a300506032b6570032100', 'hex');

function check({ proof, header, key }) {
  const cut = proof.indexOf('\n\n');
  const [, , index, ...path] = proof.slice(0, cut).split('\n');
  const envelope = proof.slice(cut + 2);
  const [, size, root] = envelope.split('\n');
  const [, id, material] = key.split(/\+(?=[0-9a-f]{8}\+)|(?<=\+[0-9a-f]{8})\+/);
  const publicKey = createPublicKey({
    key: Buffer.concat([DER, Buffer.from(material, 'base64').subarray(1)]),
    format: 'der',
    type: 'spki',
  });
  const log = {
    logID: Buffer.from(id, 'hex'),
    publicKey,
    validFor: { start: new Date(0), end: new Date(8e15) },
  };
  const entry = {
    integratedTime: '1700000000',
    canonicalizedBody: Buffer.from(header),
    inclusionProof: {
      checkpoint: { envelope },
      logIndex: index.slice('index '.length),
      treeSize: size,
      rootHash: Buffer.from(root, 'base64'),
      hashes: path.map((hash) => Buffer.from(hash, 'base64')),
    },
  };
  verifyCheckpoint(entry, [log]);
  verifyMerkleInclusion(entry);
}

function verdict(one) {
  try {
    check(one);
    return true;
  } catch (error) {
    return `${error.code}: ${error.message}`;
  }
}

process.stdout.write(JSON.stringify(JSON.parse(await text(process.stdin)).map(verdict)));
