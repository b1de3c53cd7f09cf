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

-- Whoever changes the definition of the record's tables, also their owner, leaves a line here,
-- where only the administrator of the server could remove it. The signer makes events of them.
create schema if not exists cloister_watch;
grant usage on schema cloister_watch to cloister_signer;
create table if not exists cloister_watch.definition (
  id bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  role text not null default session_user,
  tag text not null,
  object text not null
);
grant select on cloister_watch.definition to cloister_signer;

create or replace function cloister_watch.note_change() returns event_trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  insert into cloister_watch.definition (tag, object)
  select distinct tg_tag, coalesce(c.object_identity, '')
    from pg_event_trigger_ddl_commands() c where c.object_identity like '%compliance\_%';
end $$;
create or replace function cloister_watch.note_removal() returns event_trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  insert into cloister_watch.definition (tag, object)
  select distinct tg_tag, d.object_identity
    from pg_event_trigger_dropped_objects() d where d.object_identity like '%compliance\_%';
end $$;
drop event trigger if exists cloister_changes;
drop event trigger if exists cloister_removals;
create event trigger cloister_changes on ddl_command_end
  execute function cloister_watch.note_change();
create event trigger cloister_removals on sql_drop execute function cloister_watch.note_removal();
alter event trigger cloister_changes enable always;
alter event trigger cloister_removals enable always;

