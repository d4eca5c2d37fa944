//! What a page tells somebody who was just sent there. It travels as a word in the address (`?notice=deleted`),
//! so nothing is kept, and nobody can make a page of ours say words of theirs.

use serde::Deserialize;

/// Something to know that is no error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    LogInFirst,
    SessionOver,
    PhotoNotKept,
    LoggedOut,
    LoggedOutHere,
    LoggedOutEverywhere,
    SignedUp,
    Welcome,
    Deleted,
    Gone,
    PasswordChanged,
}

impl Notice {
    const ALL: [Self; 11] = [
        Self::LogInFirst,
        Self::SessionOver,
        Self::PhotoNotKept,
        Self::LoggedOut,
        Self::LoggedOutHere,
        Self::LoggedOutEverywhere,
        Self::SignedUp,
        Self::Welcome,
        Self::Deleted,
        Self::Gone,
        Self::PasswordChanged,
    ];

    /// Its word in an address.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::LogInFirst => "log-in-first",
            Self::SessionOver => "session-over",
            Self::PhotoNotKept => "photo-not-kept",
            Self::LoggedOut => "logged-out",
            Self::LoggedOutHere => "logged-out-here",
            Self::LoggedOutEverywhere => "logged-out-everywhere",
            Self::SignedUp => "signed-up",
            Self::Welcome => "welcome",
            Self::Deleted => "deleted",
            Self::Gone => "gone",
            Self::PasswordChanged => "password-changed",
        }
    }

    /// What the page says.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::LogInFirst => "Please log in first. Then we take you there.",
            Self::SessionOver => "Your session is over. Please log in again, and we take you back.",
            Self::PhotoNotKept => {
                "Your session was over before the photo arrived, so we did not keep it. \
                 Please log in and send it again."
            }
            Self::LoggedOut => "You are logged out.",
            Self::LoggedOutHere => {
                "You are logged out in this browser. Our server could not be told just now; \
                 there, the session ends by itself."
            }
            Self::LoggedOutEverywhere => "You are logged out here and everywhere else.",
            Self::SignedUp => "Your account is made. Please log in.",
            Self::Welcome => "Welcome! Your account is made. Send a photo, and see what becomes of it.",
            Self::Deleted => "The portrait is deleted, and its link is dead.",
            Self::Gone => "That portrait is gone: it had reached its time, or was deleted.",
            Self::PasswordChanged => "Your password is changed. Everywhere else, you are logged out.",
        }
    }
}

/// The notice in an address's query; a word that is none of ours says nothing.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct NoticeQuery {
    notice: Option<String>,
}

impl NoticeQuery {
    /// What to tell.
    pub(crate) fn notice(&self) -> Option<Notice> {
        let word = self.notice.as_deref()?;
        Notice::ALL.into_iter().find(|notice| notice.word() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::{Notice, NoticeQuery};

    fn asked(word: &str) -> Option<Notice> {
        NoticeQuery { notice: Some(word.to_owned()) }.notice()
    }

    #[test]
    fn every_notice_has_a_word_of_its_own() {
        for notice in Notice::ALL {
            assert_eq!(asked(notice.word()), Some(notice));
        }
    }

    #[test]
    fn words_of_others_say_nothing() {
        assert_eq!(asked("<b>You have won</b>"), None);
        assert_eq!(asked(""), None);
    }
}
