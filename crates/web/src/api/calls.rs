//! The calls, one by one.

use axum::http::{Method, StatusCode};
use reqwest::multipart::{Form, Part};
use serde_json::json;
use uuid::Uuid;

use super::views::{Account, Images};
use super::{Answer, Api, ApiError, Image, Job, Photo, Session, UPLOAD_WITHIN, accepted, read};
use crate::upload::Asked;
use crate::visitor::{Caller, SignedIn};

/// What a browser may say that a photo is. The api looks for itself; anything else is not passed on.
const PHOTO_TYPES: [&str; 3] = ["image/jpeg", "image/png", "image/webp"];

impl Api {
    /// Makes an account.
    pub(crate) async fn sign_up(&self, caller: &Caller, email: &str, password: &str) -> Result<(), ApiError> {
        let body = json!({"email": email, "password": password});
        accepted(self.request(Method::POST, "/v1/users", caller).json(&body).send().await).await.map(drop)
    }

    /// Opens a session. [`ApiError::NotSignedIn`] says that address and password are not a pair.
    pub(crate) async fn log_in(
        &self,
        caller: &Caller,
        email: &str,
        password: &str,
    ) -> Result<Answer<Session>, ApiError> {
        let body = json!({"email": email, "password": password});
        let sent = self.request(Method::POST, "/v1/sessions", caller).json(&body).send().await;
        read(accepted(sent).await?).await
    }

    /// Ends this session; one that is over already is fine.
    pub(crate) async fn log_out(&self, user: &SignedIn) -> Result<(), ApiError> {
        match accepted(self.signed_in(Method::DELETE, "/v1/sessions/current", user).send().await).await {
            Ok(_) | Err(ApiError::NotSignedIn) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Ends all sessions of this account.
    pub(crate) async fn log_out_everywhere(&self, user: &SignedIn) -> Result<(), ApiError> {
        accepted(self.signed_in(Method::DELETE, "/v1/sessions", user).send().await).await.map(drop)
    }

    /// Who is signed in.
    pub(crate) async fn account(&self, user: &SignedIn) -> Result<Account, ApiError> {
        Ok(self.get("/v1/users/me", user).await?.body)
    }

    /// Gives the account another password and ends its other sessions; `false` when the current one is wrong.
    pub(crate) async fn change_password(
        &self,
        user: &SignedIn,
        current: &str,
        new: &str,
    ) -> Result<bool, ApiError> {
        let body = json!({"current_password": current, "new_password": new});
        let request = self.signed_in(Method::PUT, "/v1/users/me/password", user).json(&body);
        match accepted(request.send().await).await {
            Ok(_) => Ok(true),
            Err(error) if error.status() == Some(StatusCode::FORBIDDEN) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// All living images, newest first.
    pub(crate) async fn images(&self, user: &SignedIn) -> Result<Answer<Images>, ApiError> {
        self.get("/v1/images", user).await
    }

    /// One living image, with a fresh link.
    pub(crate) async fn image(&self, user: &SignedIn, id: Uuid) -> Result<Answer<Image>, ApiError> {
        self.get(&format!("/v1/images/{id}"), user).await
    }

    /// Deletes an image at once.
    pub(crate) async fn delete_image(&self, user: &SignedIn, id: Uuid) -> Result<(), ApiError> {
        let path = format!("/v1/images/{id}");
        accepted(self.signed_in(Method::DELETE, &path, user).send().await).await.map(drop)
    }

    /// How far a job got.
    pub(crate) async fn job(&self, user: &SignedIn, id: Uuid) -> Result<Answer<Job>, ApiError> {
        self.get(&format!("/v1/jobs/{id}"), user).await
    }

    /// Passes a photo on while it still comes in, and returns the job's id. The same nonce makes the same job.
    pub(crate) async fn upload(
        &self,
        user: &SignedIn,
        asked: &Asked,
        content_type: Option<&str>,
        photo: Photo,
    ) -> Result<Uuid, ApiError> {
        // What the file is called on somebody's disk is nobody's business.
        let photo = Part::stream(photo.into_body()).file_name("photo");
        let photo = match PHOTO_TYPES.into_iter().find(|known| Some(*known) == content_type) {
            Some(known) => photo.mime_str(known)?,
            None => photo,
        };
        let mut form = Form::new().text("effect", asked.effect.clone());
        if !asked.ttl_seconds.is_empty() {
            form = form.text("ttl_seconds", asked.ttl_seconds.clone());
        }
        let request = self
            .signed_in(Method::POST, "/v1/images", user)
            .timeout(UPLOAD_WITHIN)
            .header("idempotency-key", &asked.nonce)
            .multipart(form.part("image", photo));
        let job: Answer<Job> = read(accepted(request.send().await).await?).await?;
        Ok(job.body.id)
    }
}
