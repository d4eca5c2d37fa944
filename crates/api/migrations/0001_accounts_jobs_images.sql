-- Accounts, what they asked for, and what came of it.

create table users (
    id            uuid primary key,
    -- Stored in lower case, so that the unique index sees through spelling.
    email         text        not null unique check (email = lower(email) and length(email) <= 254),
    password_hash text        not null,
    created_at    timestamptz not null default now()
);

create table jobs (
    id          uuid primary key,
    user_id     uuid        not null references users (id) on delete cascade,
    effect      text        not null,
    state       text        not null check (state in ('queued', 'running', 'done', 'failed')),
    -- In words for the user; only a failed job has one.
    failure     text        check ((failure is not null) = (state = 'failed')),
    ttl_seconds integer     not null check (ttl_seconds > 0),
    -- Outlives the image, so that a gone image can be told from one that never was.
    image_id    uuid        unique,
    created_at  timestamptz not null default now(),
    updated_at  timestamptz not null default now()
);

create index jobs_of_user on jobs (user_id);
create index jobs_under_way on jobs (updated_at) where state in ('queued', 'running');

create table images (
    id           uuid primary key,
    user_id      uuid        not null references users (id) on delete cascade,
    job_id       uuid        not null unique references jobs (id) on delete cascade,
    effect       text        not null,
    content_type text        not null,
    size_bytes   bigint      not null,
    width        integer     not null,
    height       integer     not null,
    description  jsonb       not null,
    created_at   timestamptz not null default now(),
    expires_at   timestamptz not null check (expires_at > created_at)
);

create index images_of_user on images (user_id, created_at desc);
create index images_by_expiry on images (expires_at);
