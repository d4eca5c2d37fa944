-- Every upload counts its account's unfinished jobs; an account that was busy for years has many finished ones.
create index unfinished_jobs_of_user on jobs (user_id) where state in ('queued', 'running');
