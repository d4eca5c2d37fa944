//! TLS as the entrance speaks it: which versions and cipher suites it agrees to, and what it shows to prove itself.
//!
//! The TLS library of this harness knows neither the old versions nor the weak suites, on purpose. So the first message
//! of a handshake is written by hand here, and the first record of the answer read: that is where a version is agreed.

mod certificate;
mod hello;

use std::{io, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

pub use certificate::look;
pub use hello::{Hello, first_hello, read_answer};

use crate::observation::HelloAnswer;

/// An answer to the first message comes within this, or something is wrong.
const ANSWERED_WITHIN: Duration = Duration::from_secs(5);

/// Says hello at `address`, as a client that wants `host`, and tells what the server made of it.
pub async fn greet(address: SocketAddr, host: &str, hello: &Hello) -> HelloAnswer {
    match tokio::time::timeout(ANSWERED_WITHIN, exchange(address, &first_hello(hello, host))).await {
        Ok(Ok(record)) => read_answer(&record),
        Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionReset => {
            HelloAnswer::Refused("the connection was reset".into())
        }
        Ok(Err(error)) => HelloAnswer::Unclear(error.to_string()),
        Err(_) => HelloAnswer::Unclear(format!("no answer within {} s", ANSWERED_WITHIN.as_secs())),
    }
}

/// Sends `bytes` and reads one record of the answer, or what there is of it before the connection is closed.
async fn exchange(address: SocketAddr, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(bytes).await?;
    let mut record = vec![0; 5];
    let mut read = 0;
    while read < record.len() {
        match stream.read(&mut record[read..]).await? {
            0 => break,
            more => read += more,
        }
        if read == 5 {
            let length = usize::from(u16::from_be_bytes([record[3], record[4]]));
            record.resize(5 + length, 0);
        }
    }
    record.truncate(read);
    Ok(record)
}
