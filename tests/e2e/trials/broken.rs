//! Stacks that are broken by an overlay, and what the gate must say of each.

/// A stack that is broken by an overlay, and what the gate must say of it.
pub(crate) struct Broken {
    pub(crate) name: &'static str,
    pub(crate) overlay: &'static str,
    pub(crate) only: &'static [&'static str],
    pub(crate) exit_code: i32,
    /// The check that must fail, where one is judged.
    pub(crate) fails: Option<&'static str>,
    /// What the person must be told.
    pub(crate) says: &'static [&'static str],
    /// Whether it is tried as processes too, and must fail the same checks there. What only an engine can do wrong is not,
    /// nor is what needs all surfaces, for its time.
    pub(crate) as_processes: bool,
}

pub(crate) const BROKEN: &[Broken] = &[
    Broken {
        name: "a_redis_that_is_elsewhere_is_named",
        overlay: "services: { api: { environment: { REDIS_URL: 'redis://elsewhere:6379/0' } } }\n\
                  x-shakedown: { ready_within: 20s }",
        only: &["health.ready"],
        exit_code: 4,
        fails: Some("health.ready.api"),
        says: &["`api", "its dependency redis is down"],
        as_processes: true,
    },
    Broken {
        name: "a_postgres_that_is_a_redis_is_not_ready",
        overlay: "services: { postgres: { image: '${REDIS_IMAGE}' } }\nx-shakedown: { ready_within: 12s }",
        only: &["health.ready"],
        exit_code: 4,
        fails: Some("health.ready.postgres"),
        says: &["`postgres`", "the last"],
        as_processes: true,
    },
    Broken {
        name: "a_migration_that_fails_is_named",
        overlay: "services: { migrate: { environment: { POSTGRES_DB: nowhere } } }\n\
                  x-shakedown: { ready_within: 45s }",
        only: &["order.oneshot"],
        exit_code: 4,
        fails: Some("order.oneshot.migrate"),
        says: &["`migrate`", "exited with code"],
        as_processes: true,
    },
    Broken {
        name: "a_oneshot_that_never_ends_is_named",
        overlay: "services: { migrate: { image: '${TOOLBOX_IMAGE}', entrypoint: [sleep, infinity], command: [] } }\n\
                  x-shakedown: { ready_within: 20s }",
        only: &["order.oneshot"],
        exit_code: 4,
        fails: Some("order.oneshot.migrate"),
        says: &["`migrate`", "where exit code 0 is waited for"],
        as_processes: true,
    },
    Broken {
        name: "a_missing_healthcheck_fails_its_check",
        overlay: "services: { api: { healthcheck: { disable: true } } }",
        only: &["health.declared"],
        exit_code: 1,
        fails: Some("health.declared.api"),
        says: &["the definition declares none"],
        as_processes: true,
    },
    Broken {
        name: "a_time_to_live_of_zero_stops_the_start",
        overlay: "services: { api: { environment: { OUTPUT_TTL_SECONDS: '0' } } }",
        only: &["health.ready"],
        exit_code: 4,
        fails: Some("health.ready.api"),
        says: &["`api", "exited with code 2", "OUTPUT_TTL_SECONDS"],
        as_processes: true,
    },
    Broken {
        name: "an_empty_setting_stops_the_start",
        overlay: "services: { api: { environment: { PUBLIC_ORIGIN: '' } } }",
        only: &["health.ready"],
        exit_code: 4,
        fails: Some("health.ready.api"),
        says: &["`api", "PUBLIC_ORIGIN"],
        as_processes: true,
    },
    Broken {
        name: "a_crash_loop_behind_a_restart_policy_is_no_readiness",
        overlay: "services: { worker: { restart: always, environment: { SWEEP_INTERVAL_SECONDS: never } } }",
        only: &["health.ready"],
        exit_code: 4,
        fails: Some("health.ready.worker"),
        says: &["`worker`", "SWEEP_INTERVAL_SECONDS"],
        as_processes: true,
    },
    Broken {
        name: "a_program_that_is_not_there_is_named",
        overlay: "services: { worker: { entrypoint: [/bin/nothing] } }",
        only: &["health.ready"],
        exit_code: 4,
        fails: Some("health.ready.worker"),
        says: &["`worker`", "has no such program"],
        as_processes: true,
    },
    Broken {
        name: "an_image_that_is_not_loaded_is_never_pulled",
        overlay: "services: { api: { image: 'shakedown/api:nowhere' } }",
        only: &[],
        exit_code: 4,
        fails: None,
        says: &["shakedown/api:nowhere", "never pulled"],
        as_processes: false,
    },
    Broken {
        name: "a_proxy_that_logs_signatures_is_found",
        overlay: "services: { proxy: { volumes: ['BROKEN/logs-everything.Caddyfile:/etc/caddy/Caddyfile:ro'] } }",
        only: &["secrets.logs.proxy"],
        exit_code: 1,
        fails: Some("secrets.logs.proxy"),
        says: &["link_signature as plain in proxy"],
        as_processes: false,
    },
    Broken {
        name: "a_proxy_that_opens_what_is_closed_is_found",
        overlay: "services: { proxy: { volumes: ['BROKEN/careless.Caddyfile:/etc/caddy/Caddyfile:ro'] } }",
        only: &["proxy.closed", "smoke.link.type", "smoke.request_id", "smoke.upload.location"],
        exit_code: 1,
        fails: Some("proxy.closed.metrics"),
        says: &[
            "proxy.closed.ready",
            "text/html for image/jpeg, nosniff missing",
            "smoke.request_id",
            "smoke.upload.location",
        ],
        as_processes: true,
    },
    Broken {
        name: "a_worker_that_never_works_is_found",
        overlay: "services: { worker: { environment: { REDIS_URL: 'redis://redis:6379/1' } } }",
        only: &["smoke.job", "ttl.api"],
        exit_code: 1,
        fails: Some("smoke.job.halftone"),
        says: &["job is queued"],
        as_processes: true,
    },
    Broken {
        name: "a_crash_loop_after_bring_up_is_found",
        overlay: "services: { crasher: { image: '${TOOLBOX_IMAGE}', entrypoint: [sleep, '3'], restart: always, \
                  depends_on: { proxy: { condition: service_healthy } } } }",
        only: &["health.settled.crasher"],
        exit_code: 1,
        fails: Some("health.settled.crasher"),
        says: &["`crasher` was restarted"],
        as_processes: true,
    },
    Broken {
        name: "a_healthcheck_that_cannot_fail_is_found",
        overlay: "services: { redis: { healthcheck: { test: [CMD, 'true'] } } }",
        only: &["health.declared.redis"],
        exit_code: 1,
        fails: Some("health.declared.redis"),
        says: &["passes whatever happens"],
        as_processes: true,
    },
    Broken {
        name: "a_copy_of_an_expired_picture_is_found",
        overlay: "services: { keeper: { image: '${TOOLBOX_IMAGE}', user: '10011:10020', volumes: ['images:/images'], \
                  depends_on: { migrate: { condition: service_completed_successfully } }, \
                  entrypoint: [bash, -c, 'mkdir -p /images/kept; while :; do find /images -maxdepth 2 -type f \
                  -not -path \"/images/kept/*\" -exec ln -t /images/kept {} + 2>/dev/null; sleep 0.2; done'] } }",
        only: &["ttl.object"],
        exit_code: 1,
        fails: Some("ttl.object"),
        says: &["still there when the grace period was over"],
        as_processes: true,
    },
    Broken {
        name: "a_secret_dumped_in_hex_is_found",
        overlay: "services: { redis: { entrypoint: [bash, -c, 'od -An -v -tx1 /run/secrets/redis_password; \
                  exec shakedown-redis'] } }",
        only: &["secrets.logs.redis"],
        exit_code: 1,
        fails: Some("secrets.logs.redis"),
        says: &["redis_password as hex in redis"],
        as_processes: false,
    },
    Broken {
        name: "a_secret_in_a_log_is_found",
        overlay: "services: { redis: { entrypoint: [bash, -c, 'cat /run/secrets/redis_password; echo; \
                  exec shakedown-redis'] } }",
        only: &["secrets.logs.redis"],
        exit_code: 1,
        fails: Some("secrets.logs.redis"),
        says: &["redis_password as plain in redis"],
        as_processes: false,
    },
];
