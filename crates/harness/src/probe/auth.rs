//! Who may do what, and what gives it away. Each trial has people and a client address of its own, where it would else
//! use up another one's limits or end another one's sessions.

mod back;
mod cookies;
mod csrf;
mod enumeration;
mod headers;
mod hostile;
mod matrix;
mod next;
mod operations;
mod owner;
mod password;
mod session;
mod spelling;
mod stage;
mod token;

use crate::{
    observation::{Auth, Seen},
    running::RunningStack,
};

use owner::Owner;
use stage::{Groups, Stage};

/// Makes all trials, most of them at once. Those that cannot be made say why. Each has a place of its own in memory: all
/// of them together are more than a stack holds.
pub async fn observe(running: &RunningStack) -> Seen<Auth> {
    let stage = Stage::new(running)?;
    let stage = &stage;
    let mut auth = Auth::default();
    let mut keep = |names: &[&str], seen: Seen<Groups>| match seen {
        Ok(groups) => auth.groups.extend(groups.0.into_iter().map(|(name, rows)| (name, Ok(rows)))),
        Err(why) => auth.groups.extend(names.iter().map(|name| ((*name).to_owned(), Err(why.clone())))),
    };
    let sessions = async {
        tokio::join!(
            Box::pin(session::revoked(stage)),
            Box::pin(session::expired(stage)),
            Box::pin(session::idle(stage)),
            Box::pin(session::everywhere(stage)),
            Box::pin(session::password_change(stage)),
            Box::pin(session::fixation(stage)),
        )
    };
    let forms = async {
        tokio::join!(
            Box::pin(csrf::observe(stage)),
            Box::pin(next::observe(stage)),
            Box::pin(hostile::pages(stage)),
            Box::pin(hostile::api(stage))
        )
    };
    let (owned, tokens, sessions, forms, cookies, hashes) = tokio::join!(
        Box::pin(of_the_owner(stage)),
        Box::pin(token::observe(stage)),
        sessions,
        forms,
        Box::pin(cookies::observe(stage)),
        Box::pin(password::observe(stage)),
    );
    // Times are taken last, when nothing else of this is done.
    let times = Box::pin(enumeration::observe(stage)).await;
    for (names, seen) in owned {
        keep(names, seen);
    }
    keep(token::GROUPS, tokens);
    keep(&["session.revoked"], sessions.0);
    keep(&["session.expired"], sessions.1);
    keep(&["session.idle"], sessions.2);
    keep(&["session.everywhere"], sessions.3);
    keep(&["session.password_change"], sessions.4);
    keep(&["session.fixation"], sessions.5);
    keep(csrf::GROUPS, forms.0);
    keep(&[next::GROUP], forms.1);
    keep(&[hostile::PAGES], forms.2);
    keep(&[hostile::API], forms.3);
    auth.cookies = Some(cookies);
    match times {
        Ok((answers, times)) => (auth.answers, auth.times) = (answers, times),
        Err(why) => {
            for door in ["api", "web"] {
                auth.answers.insert(door.into(), Err(why.clone()));
                auth.times.insert(door.into(), Err(why.clone()));
            }
        }
    }
    auth.hashes = Some(hashes);
    Ok(auth)
}

/// The trials that are about one person's things.
async fn of_the_owner(stage: &Stage<'_>) -> Vec<(&'static [&'static str], Seen<Groups>)> {
    let owner = match stage.client(10).await {
        Ok(client) => Box::pin(Owner::new(stage, &client, "ada")).await,
        Err(why) => Err(why),
    };
    let owner = match owner {
        Ok(owner) => owner,
        Err(why) => {
            let all = [matrix::GROUPS, headers::GROUPS, back::GROUPS];
            return all.map(|names| (names, Err(why.clone()))).into();
        }
    };
    let (matrix, headers, back) = tokio::join!(
        Box::pin(matrix::observe(stage, owner.clone())),
        Box::pin(headers::observe(stage, &owner)),
        Box::pin(back::observe(stage, &owner)),
    );
    vec![(matrix::GROUPS, matrix), (headers::GROUPS, headers), (back::GROUPS, back)]
}
