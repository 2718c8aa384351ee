//! Cuts a stream of bytes into lines, none longer than a limit.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

/// Why there is no further line.
#[derive(Debug, thiserror::Error)]
pub(super) enum LineError {
    #[error("a message is longer than {limit} bytes")]
    TooLong { limit: usize },
    #[error("the connection broke")]
    Io(#[from] io::Error),
}

/// Reads lines. [`LineReader::next`] may be dropped and called again without losing a byte.
pub(super) struct LineReader<R> {
    reader: R,
    buffer: Vec<u8>,
    /// No line feed lies before this index of the buffer.
    searched: usize,
    limit: usize,
}

impl<R: AsyncRead + Unpin> LineReader<R> {
    pub(super) fn new(reader: R, limit: usize) -> Self {
        Self { reader, buffer: Vec::new(), searched: 0, limit }
    }

    /// Gives the next line without its line feed; `None` at the end of the stream.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<u8>>, LineError> {
        loop {
            if let Some(line) = self.take_line()? {
                return Ok(Some(line));
            }
            // Reading into the buffer itself is what makes this safe to drop: bytes are in it or still in the socket.
            self.buffer.reserve(8 * 1024);
            if self.reader.read_buf(&mut self.buffer).await? == 0 {
                return Ok(None);
            }
        }
    }

    fn take_line(&mut self) -> Result<Option<Vec<u8>>, LineError> {
        let found = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n');
        let Some(offset) = found else {
            self.searched = self.buffer.len();
            return if self.buffer.len() > self.limit { self.too_long() } else { Ok(None) };
        };
        let end = self.searched + offset;
        if end > self.limit {
            return self.too_long();
        }
        let rest = self.buffer.split_off(end + 1);
        let mut line = std::mem::replace(&mut self.buffer, rest);
        line.pop();
        self.searched = 0;
        Ok(Some(line))
    }

    fn too_long<T>(&self) -> Result<T, LineError> {
        Err(LineError::TooLong { limit: self.limit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(bytes: &[u8], limit: usize) -> (Vec<String>, bool) {
        let mut reader = LineReader::new(bytes, limit);
        let mut lines = Vec::new();
        loop {
            match reader.next().await {
                Ok(Some(line)) => lines.push(String::from_utf8(line).expect("text")),
                Ok(None) => return (lines, true),
                Err(_) => return (lines, false),
            }
        }
    }

    #[tokio::test]
    async fn lines_up_to_the_limit_pass_and_one_byte_more_does_not() {
        assert_eq!(lines(b"ab\n\ncd\n", 4).await, (vec!["ab".into(), String::new(), "cd".into()], true));
        assert_eq!(lines(b"abcd\nx\n", 4).await, (vec!["abcd".into(), "x".into()], true));
        assert_eq!(lines(b"x\nabcde\n", 4).await, (vec!["x".into()], false));
        assert_eq!(lines(b"abcde", 4).await, (vec![], false));
        assert_eq!(lines(b"ab\ncut off", 40).await, (vec!["ab".into()], true));
    }

    #[tokio::test]
    async fn dropping_a_read_half_way_loses_nothing() {
        let (mut writer, reader) = tokio::io::duplex(64);
        let mut reader = LineReader::new(reader, 64);
        tokio::io::AsyncWriteExt::write_all(&mut writer, b"first ha").await.expect("space");
        let patience = std::time::Duration::from_millis(1);
        assert!(tokio::time::timeout(patience, reader.next()).await.is_err());
        tokio::io::AsyncWriteExt::write_all(&mut writer, b"lf\n").await.expect("space");
        assert_eq!(reader.next().await.expect("a line"), Some(b"first half".to_vec()));
    }
}
