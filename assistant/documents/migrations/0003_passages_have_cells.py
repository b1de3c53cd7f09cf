"""Search at any size: each vector has a cell, and a person looks in the nearest cells of their own.

An approximate index does not hold under row security (docs/architecture.md, "Search"). Instead
`manage.py index train` divides all vectors into cells; their centres stand in `auth.cell`, which
the application cannot read, for they sum up text that most people may not see. `auth.cell_count`
says how many passages of a group lie in each cell, kept by triggers in the transaction that changes
them. A search takes the nearest cells until they hold enough passages that the caller may see, so
the quality and the cost of a search depend on that budget and not on how much somebody may see.

BM25 needs to know in how many passages a word stands. `auth.term_count` has it for each group, so
that the postings are read once and not twice; the application cannot read it either.
"""

from django.db import migrations

from assistant.accounts.sql import run_sql

FORWARDS = r"""
-- Everything BM25 reads stands in the index: reading the rows as well costs five times as much.
-- The planner keeps no samples of the words, which its estimates would tell to whoever can ask.
alter table documents_posting drop constraint documents_posting_pkey;
alter table documents_posting add primary key (term, acl_group, passage_id)
  include (frequency, words);
alter table documents_posting alter column term set statistics 0;
alter table documents_posting set (autovacuum_vacuum_insert_scale_factor = 0.05);

-- The centre is the mean of the cell's vectors, and `spread` their root mean square distance to it.
create table auth.cell (
  id int primary key,
  centre halfvec(384) not null,
  spread real not null
);
-- Distances to all centres are taken for each question: no detour through TOAST.
alter table auth.cell alter column centre set storage plain;

-- Element i is the number of the group's passages in cell i. As a vector, because sums of vectors
-- are what pgvector does fast: see "Search" in docs/architecture.md.
create table auth.cell_count (acl_group int primary key, counts vector not null);

create table auth.cell_training (
  id int primary key check (id = 1),
  passages bigint not null,
  trained_at timestamptz not null
);

create function auth.take_cell() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  new.cell := coalesce(
    (select c.id from auth.cell c order by c.centre <=> new.embedding, c.id limit 1), 0);
  return new;
end $$;
create trigger take_cell before insert on documents_passagevector
  for each row execute function auth.take_cell();

create function auth.count_cells() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  cells int := (select max(c.id) from auth.cell c);
  groups int[];
  places int[];
  changes bigint[];
begin
  if cells is null then
    return null;
  end if;
  if tg_op = 'INSERT' then
    select array_agg(c.acl_group), array_agg(c.cell), array_agg(c.n) into groups, places, changes
      from (select acl_group, cell, count(*) as n from added group by 1, 2) c;
  elsif tg_op = 'DELETE' then
    select array_agg(c.acl_group), array_agg(c.cell), array_agg(c.n) into groups, places, changes
      from (select acl_group, cell, -count(*) as n from removed group by 1, 2) c;
  else
    select array_agg(c.acl_group), array_agg(c.cell), array_agg(c.n) into groups, places, changes
      from (select acl_group, cell, sum(n)::bigint as n
              from (select acl_group, cell, 1 as n from added
                    union all select acl_group, cell, -1 from removed) moved
             group by 1, 2 having sum(n) <> 0) c;
  end if;
  insert into auth.cell_count as kept (acl_group, counts)
  select g.acl_group, array_agg(coalesce(c.n, 0) order by s.cell)::real[]::vector
    from (select distinct unnest(groups) as acl_group) g
   cross join generate_series(1, cells) s (cell)
    left join unnest(groups, places, changes) c (acl_group, cell, n)
      on c.acl_group = g.acl_group and c.cell = s.cell
   group by g.acl_group
   order by g.acl_group
  on conflict (acl_group) do update set counts = kept.counts + excluded.counts;
  return null;
end $$;
create trigger count_cells_added after insert on documents_passagevector
  referencing new table as added for each statement execute function auth.count_cells();
create trigger count_cells_removed after delete on documents_passagevector
  referencing old table as removed for each statement execute function auth.count_cells();
create trigger count_cells_moved after update on documents_passagevector
  referencing old table as removed new table as added
  for each statement execute function auth.count_cells();

create table auth.term_count (
  term varchar(40) not null,
  acl_group int not null,
  passages int not null,
  primary key (term, acl_group) include (passages)
);
alter table auth.term_count alter column term set statistics 0;
alter table auth.term_count set (autovacuum_vacuum_insert_scale_factor = 0.05);
insert into auth.term_count
select term, acl_group, count(*) from documents_posting group by term, acl_group;

create function auth.count_terms() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  terms text[];
  groups int[];
  changes int[];
begin
  if tg_op = 'INSERT' then
    select array_agg(c.term), array_agg(c.acl_group), array_agg(c.n) into terms, groups, changes
      from (select term, acl_group, count(*)::int as n from added group by 1, 2) c;
  elsif tg_op = 'DELETE' then
    select array_agg(c.term), array_agg(c.acl_group), array_agg(c.n) into terms, groups, changes
      from (select term, acl_group, -count(*)::int as n from removed group by 1, 2) c;
  else
    select array_agg(c.term), array_agg(c.acl_group), array_agg(c.n) into terms, groups, changes
      from (select term, acl_group, sum(n)::int as n
              from (select term, acl_group, 1 as n from added
                    union all select term, acl_group, -1 from removed) moved
             group by 1, 2 having sum(n) <> 0) c;
  end if;
  -- Always in the same order, so that two documents never wait for each other.
  insert into auth.term_count as kept (term, acl_group, passages)
  select c.* from unnest(terms, groups, changes) c (term, acl_group, n)
   order by c.term, c.acl_group
  on conflict (term, acl_group) do update set passages = kept.passages + excluded.passages;
  if tg_op <> 'INSERT' then
    delete from auth.term_count t using unnest(terms, groups) c (term, acl_group)
     where t.term = c.term and t.acl_group = c.acl_group and t.passages = 0;
  end if;
  return null;
end $$;
create trigger count_terms_added after insert on documents_posting
  referencing new table as added for each statement execute function auth.count_terms();
create trigger count_terms_removed after delete on documents_posting
  referencing old table as removed for each statement execute function auth.count_terms();
create trigger count_terms_moved after update on documents_posting
  referencing old table as removed new table as added
  for each statement execute function auth.count_terms();

-- In how many passages of the wanted groups each term stands, as far as the caller may see these.
create function auth.passages_with_each(terms text[], wanted int[])
returns table (term text, passages bigint)
language sql stable security definer parallel restricted rows 20
set search_path = pg_catalog, public, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_mergejoin = off
set enable_hashjoin = off as $$
  select t.term, n.passages
    from unnest(terms) t (term), lateral (
      select sum(c.passages) as passages from auth.term_count c
       where c.term = t.term and c.acl_group = any (wanted)
         and get_bit((select auth.bits()), c.acl_group) = 1
         and get_bit((select auth.denied_bits()), c.acl_group) = 0) n
   where n.passages > 0
$$;

-- The cells nearest to a question that together hold `budget` passages of the wanted groups, as far
-- as the caller may see these. Null when nothing is trained.
create function auth.cells_near(question halfvec, wanted int[], budget int) returns int[]
language sql stable security definer parallel restricted
set search_path = pg_catalog, public, pg_temp as $$
  with mine as materialized (
    select sum(c.counts)::real[] as counts
      from auth.cell_count c
     where c.acl_group = any (wanted)
       and get_bit((select auth.bits()), c.acl_group) = 1
       and get_bit((select auth.denied_bits()), c.acl_group) = 0
  ),
  near as (
    -- In a cell that is spread out, single passages come nearer than its centre tells: with 0.3 of
    -- the spread a search of the same budget finds more of what is far from everything.
    select k.id, (k.centre <#> question) - 0.3 * k.spread as distance, u.n
      from mine, unnest(mine.counts) with ordinality u (n, id), auth.cell k
     where k.id = u.id and u.n > 0
  ),
  counted as (
    select id, sum(n) over (order by distance, id) - n as before from near
  )
  select array_agg(id order by id) from counted where before < budget
$$;

-- Vector search. `held` is how many passages the wanted groups hold. The order of the two columns in
-- the index and the missing alternatives matter: the planner cannot know how long the arrays are.
-- `+ 0` keeps it from ever answering with an approximate index.
create function public.nearest_passages(
  question halfvec, wanted int[], held bigint, budget int, most int)
returns table (passage_id bigint, distance float8)
language plpgsql stable parallel restricted
set search_path = pg_catalog, public, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  cells int[];
  ids bigint[];
  distances float8[];
begin
  if held > budget then
    cells := auth.cells_near(question, wanted, budget);
  end if;
  if cells is not null then
    select array_agg(n.passage_id), array_agg(n.distance) into ids, distances
      from (select v.passage_id, (v.embedding <=> question) + 0 as distance
              from documents_passagevector v
             where v.acl_group = any (wanted) and v.cell = any (cells)
             order by 2, 1 limit most) n;
  end if;
  -- Fewer than asked for: whatever the cells promised, nothing that may be seen is left out.
  if cells is null or coalesce(cardinality(ids), 0) < most then
    return query
      select v.passage_id, (v.embedding <=> question) + 0 as distance
        from documents_passagevector v
       where v.acl_group = any (wanted)
       order by 2, 1 limit most;
  else
    return query select * from unnest(ids, distances);
  end if;
end $$;

-- BM25 with k1 = 1.2 and b = 0.75 (Robertson and Zaragoza 2009). How many passages hold a term is
-- counted over the caller's own groups, so no word of a hidden document can be told from a score.
create function public.passages_with_terms(
  terms text[], wanted int[], held bigint, mean_words float8, most int)
returns table (passage_id bigint, score float8)
language plpgsql stable parallel restricted
set search_path = pg_catalog, public, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_mergejoin = off
set enable_hashjoin = off set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
begin
  return query
    with weighed as materialized (
      select n.term, 2.2::float8 * ln(1 + (greatest(held, n.passages) - n.passages + 0.5::float8)
                                          / (n.passages + 0.5::float8)) as weight
        from auth.passages_with_each(terms, wanted) n
    )
    select p.passage_id,
           sum(w.weight * p.frequency
               / (p.frequency + 0.3::float8 + p.words * (0.9::float8 / mean_words))) as score
      from weighed w, lateral (
        -- The offset keeps the terms outside: the planner may not read all postings instead.
        select q.passage_id, q.frequency, q.words from documents_posting q
         where q.term = w.term and q.acl_group = any (wanted) offset 0) p
     group by p.passage_id
     order by 2 desc, 1 limit most;
end $$;

revoke all on function auth.take_cell(), auth.count_cells(), auth.count_terms(),
  auth.cells_near(halfvec, int[], int), auth.passages_with_each(text[], int[]) from public;
grant execute on function auth.cells_near(halfvec, int[], int),
  auth.passages_with_each(text[], int[]) to {app};
"""

BACKWARDS = """
drop function public.passages_with_terms(text[], int[], bigint, float8, int);
drop function public.nearest_passages(halfvec, int[], bigint, int, int);
drop function auth.cells_near(halfvec, int[], int);
drop function auth.passages_with_each(text[], int[]);
drop trigger count_terms_added on documents_posting;
drop trigger count_terms_removed on documents_posting;
drop trigger count_terms_moved on documents_posting;
drop function auth.count_terms();
drop table auth.term_count;
drop trigger count_cells_added on documents_passagevector;
drop trigger count_cells_removed on documents_passagevector;
drop trigger count_cells_moved on documents_passagevector;
drop trigger take_cell on documents_passagevector;
drop function auth.count_cells(), auth.take_cell();
drop table auth.cell_training, auth.cell_count, auth.cell;
update documents_passagevector set cell = 0;
alter table documents_posting reset (autovacuum_vacuum_insert_scale_factor);
alter table documents_posting alter column term set statistics -1;
alter table documents_posting drop constraint documents_posting_pkey;
alter table documents_posting add primary key (term, acl_group, passage_id);
"""


class Migration(migrations.Migration):
    dependencies = [("documents", "0002_passages_are_for_members")]
    operations = [run_sql(FORWARDS, BACKWARDS)]
