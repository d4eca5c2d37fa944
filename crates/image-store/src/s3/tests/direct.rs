//! Links straight to a real store.

use time::OffsetDateTime;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

/// Status line, headers and body, as a client without any key gets them.
async fn follow(link: &str) -> (u16, String, Vec<u8>) {
    let (address, path) = link.trim_start_matches("http://").split_once('/').unwrap();
    let mut server = TcpStream::connect(address).await.unwrap();
    let request = format!("GET /{path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    server.write_all(request.as_bytes()).await.unwrap();
    let mut came = Vec::new();
    server.read_to_end(&mut came).await.unwrap();
    let head = came.windows(4).position(|end| end == b"\r\n\r\n").unwrap();
    let told = String::from_utf8_lossy(&came[..head]).to_lowercase();
    let status = told.split(' ').nth(1).unwrap().parse().unwrap();
    (status, told, came[head + 4..].to_vec())
}

#[tokio::test]
#[ignore = "needs garage on the PATH"]
async fn link_leads_to_the_image_as_it_was_put_with_its_type_and_the_time_left() {
    let garage = TestGarage::start().await;
    let id = Uuid::new_v4();
    garage.config().open_unencrypted().put(id, pattern(100_000).into()).await.unwrap();
    let links = DirectLinks::new(&garage.config(), None).unwrap();
    let left = Duration::from_secs(3);
    let link = links.make(id, "image/png", OffsetDateTime::now_utc(), left).unwrap();
    let (status, told, body) = follow(&link).await;
    assert_eq!(status, 200, "{told}");
    assert!(told.contains("content-type: image/png"), "{told}");
    assert!(told.contains("cache-control: private, max-age=3"), "{told}");
    assert_eq!(body, pattern(100_000));
}

#[tokio::test]
#[ignore = "needs garage on the PATH"]
async fn link_that_is_over_or_was_changed_or_leads_to_nothing_is_refused() {
    let garage = TestGarage::start().await;
    let [id, other] = [Uuid::new_v4(), Uuid::new_v4()];
    let store = garage.config().open_unencrypted();
    for id in [id, other] {
        store.put(id, pattern(100).into()).await.unwrap();
    }
    let links = DirectLinks::new(&garage.config(), None).unwrap();
    let (now, left) = (OffsetDateTime::now_utc(), Duration::from_secs(5));
    let link = links.make(id, "image/png", now, left).unwrap();
    let over = links.make(id, "image/png", now - Duration::from_secs(7), left).unwrap();
    let refused = [
        over,
        link.replace("X-Amz-Expires=5", "X-Amz-Expires=50"),
        link.replace(&id.to_string(), &other.to_string()),
        link.replace("image%2Fpng", "text%2Fhtml"),
        link.split('?').next().unwrap().to_owned(),
    ];
    for link in refused {
        let (status, told, body) = follow(&link).await;
        assert!(matches!(status, 400 | 403), "{link}: {told}");
        assert!(!body.windows(20).any(|run| run == &pattern(20)[..]), "{link}");
    }
    let nothing = links.make(Uuid::new_v4(), "image/png", now, left).unwrap();
    assert_eq!(follow(&nothing).await.0, 404);
}
