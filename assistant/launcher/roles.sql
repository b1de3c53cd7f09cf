-- The roles of an embedded cluster, as its superuser, by psql. Safe to repeat at each start.
-- owner: owns the tables, migrates. app: what pages and workers use. signin: opens sessions.
-- sequencer: numbers the record's events. signer: reads the record and signs its heads.
-- Before this file stand lines that set a variable with the password of each, :owner_password first.

select format('create role %I', name)
from unnest(array['cloister_owner', 'cloister_app', 'cloister_signin', 'cloister_sequencer',
  'cloister_signer']) as name
where not exists (select from pg_roles where rolname = name) \gexec

alter role cloister_owner with login nosuperuser nobypassrls nocreaterole nocreatedb noreplication
  password :'owner_password';
alter role cloister_app with login nosuperuser nobypassrls nocreaterole nocreatedb noreplication
  password :'app_password';
alter role cloister_signin with login nosuperuser nobypassrls nocreaterole nocreatedb noreplication
  password :'signin_password';
alter role cloister_sequencer with login nosuperuser nobypassrls nocreaterole nocreatedb
  noreplication password :'sequencer_password';
alter role cloister_signer with login nosuperuser nobypassrls nocreaterole nocreatedb
  noreplication password :'signer_password';

select 'create database cloister owner cloister_owner'
where not exists (select from pg_database where datname = 'cloister') \gexec

revoke all on database cloister from public;
grant connect on database cloister to cloister_app, cloister_signin, cloister_sequencer,
  cloister_signer;

\connect cloister
-- Not a trusted extension: the owner could not create it.
create extension if not exists vector;
