//! `healthcheck URL`: one HTTP GET, for containers without a shell or curl. Exit 0 on 2xx, 1 on anything
//! else, 2 on bad usage.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::process::ExitCode;
use std::time::Duration;

const WITHIN: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(url), None) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: healthcheck http://HOST[:PORT]/PATH");
        return ExitCode::from(2);
    };
    let Some((authority, path)) = split(&url) else {
        eprintln!("healthcheck: not a plain http:// URL; expected http://HOST[:PORT]/PATH");
        return ExitCode::from(2);
    };
    match ask(&authority, &path) {
        Ok(200..=299) => ExitCode::SUCCESS,
        Ok(status) => {
            eprintln!("healthcheck: {authority}{path} answered {status}; expected 2xx");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("healthcheck: {authority}{path} did not answer: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Host with port, and path.
fn split(url: &str) -> Option<(String, String)> {
    let rest = url.strip_prefix("http://")?;
    let (authority, path) = rest.find('/').map_or((rest, "/"), |slash| rest.split_at(slash));
    let sane = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
    if authority.is_empty() || authority.contains('@') || !sane(rest) {
        return None;
    }
    let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let authority = if has_port { authority.to_owned() } else { format!("{authority}:80") };
    Some((authority, path.to_owned()))
}

fn ask(authority: &str, path: &str) -> std::io::Result<u16> {
    let invalid = |text| std::io::Error::new(std::io::ErrorKind::InvalidData, text);
    let address = authority.to_socket_addrs()?.next().ok_or_else(|| invalid("the name has no address"))?;
    let mut stream = TcpStream::connect_timeout(&address, WITHIN)?;
    stream.set_read_timeout(Some(WITHIN))?;
    stream.set_write_timeout(Some(WITHIN))?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: healthcheck\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes())?;
    // "HTTP/1.1 200"
    let mut head = [0; 12];
    stream.read_exact(&mut head)?;
    std::str::from_utf8(&head)
        .ok()
        .and_then(|head| head.strip_prefix("HTTP/1.")?.get(2..5)?.parse().ok())
        .ok_or_else(|| invalid("the answer is not HTTP/1"))
}

#[cfg(test)]
mod tests {
    use super::{ask, split};

    #[test]
    fn url_is_split_into_host_with_port_and_path() {
        let parts = |url| split(url).map(|(authority, path)| format!("{authority} {path}"));
        assert_eq!(parts("http://127.0.0.1:8000/health").as_deref(), Some("127.0.0.1:8000 /health"));
        assert_eq!(parts("http://proxy").as_deref(), Some("proxy:80 /"));
        assert_eq!(parts("https://proxy/"), None);
        assert_eq!(parts("http://user@proxy/"), None);
        assert_eq!(parts("http://proxy/a b"), None);
    }

    #[test]
    fn status_is_read_from_the_first_line() {
        use std::io::{Read, Write};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let authority = listener.local_addr().unwrap().to_string();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = [0; 512];
            let read = stream.read(&mut asked).unwrap();
            stream.write_all(b"HTTP/1.1 503 Service Unavailable\r\n\r\n").unwrap();
            String::from_utf8_lossy(&asked[..read]).into_owned()
        });
        assert_eq!(ask(&authority, "/ready").unwrap(), 503);
        assert!(server.join().unwrap().starts_with("GET /ready HTTP/1.1\r\n"));
    }
}
