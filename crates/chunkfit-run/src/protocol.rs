use std::io::{self, Read, Write};

use chunkfit_core::{ByteSize, Placement};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// From the parent to a worker.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Request {
    /// First message: what to open.
    Open { spec: String },
    /// Perform one task.
    Perform { at: Placement },
}

/// From a worker to its parent.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Reply {
    /// The job is open, in a resident set of this size.
    Ready { resident: ByteSize },
    /// The task is done and written.
    Done(Done),
    /// The allocator refused memory; the worker lives.
    OutOfMemory { message: String },
    /// The operator panicked; the worker lives.
    Panic { message: String },
    /// The job cannot be opened, or the task failed.
    Error { message: String },
}

/// What a task did and cost.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Done {
    /// Largest resident set of the worker during the task (kernel high-water mark, reset before the
    /// task), or `None` where the kernel cannot reset it.
    pub peak: Option<ByteSize>,
    /// Bytes fetched from the source.
    pub fetched: ByteSize,
    /// Seconds of wall time.
    pub seconds: f64,
}

/// A message is never larger; a length beyond it means that the stream is not ours.
const LARGEST: u32 = 1 << 30;

/// Writes one message: a length of four bytes, little-endian, and MessagePack.
pub(crate) fn send(to: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    let body = rmp_serde::to_vec_named(message).map_err(io::Error::other)?;
    let length = u32::try_from(body.len()).ok().filter(|&n| n <= LARGEST);
    let length = length.ok_or_else(|| io::Error::other("the message is larger than 1 GiB"))?;
    to.write_all(&length.to_le_bytes())?;
    to.write_all(&body)?;
    to.flush()
}

/// Reads one message, or `None` when the stream ended between messages.
pub(crate) fn receive<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<Option<T>> {
    let mut length = [0; 4];
    match from.read(&mut length)? {
        0 => return Ok(None),
        n => from.read_exact(&mut length[n..])?,
    }
    let length = u32::from_le_bytes(length);
    if length > LARGEST {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "not a message of a worker"));
    }
    let mut body = vec![0; length as usize];
    from.read_exact(&mut body)?;
    rmp_serde::from_slice(&body).map(Some).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_round_trip_and_junk_is_an_error() {
        let mut stream = Vec::new();
        send(&mut stream, &Request::Open { spec: "a spec".into() }).unwrap();
        send(&mut stream, &Request::Open { spec: String::new() }).unwrap();
        let mut from = stream.as_slice();
        assert!(matches!(receive(&mut from), Ok(Some(Request::Open { spec })) if spec == "a spec"));
        assert!(matches!(receive(&mut from), Ok(Some(Request::Open { .. }))));
        assert!(matches!(receive::<Request>(&mut from), Ok(None)));
        assert!(receive::<Request>(&mut &stream[..stream.len() - 1][..7]).is_err());
        assert!(receive::<Request>(&mut &[0xFF; 64][..]).is_err());
    }
}
