//! Server-sent events: lines, of which those that begin with `data:` belong together until an empty one.

use crate::limits::REMOTE_EVENT_BYTES_MAX;

/// What came and is not a whole event yet.
#[derive(Debug, Default)]
pub(super) struct Lines {
    line: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
}

impl Lines {
    /// Takes bytes until an event is whole, or none is left.
    pub(super) fn next(&mut self, bytes: &mut &[u8]) -> Result<Option<String>, &'static str> {
        while let Some(at) = bytes.iter().position(|byte| *byte == b'\n') {
            self.put(&bytes[..at])?;
            *bytes = &bytes[at + 1..];
            if let Some(data) = self.end_line()? {
                return Ok(Some(data));
            }
        }
        self.put(bytes)?;
        *bytes = &[];
        Ok(None)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), &'static str> {
        if self.line.len() + self.data.len() + bytes.len() > REMOTE_EVENT_BYTES_MAX {
            return Err("the server sends a line without an end");
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn end_line(&mut self) -> Result<Option<String>, &'static str> {
        let line = std::mem::take(&mut self.line);
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        if line.is_empty() {
            let data = std::mem::take(&mut self.data);
            return Ok(
                std::mem::take(&mut self.has_data).then(|| String::from_utf8_lossy(&data).into_owned())
            );
        }
        // Comments, names and numbers of events say nothing that the data does not.
        let Some(data) = line.strip_prefix(b"data:") else { return Ok(None) };
        if self.has_data {
            self.data.push(b'\n');
        }
        self.data.extend_from_slice(data.strip_prefix(b" ").unwrap_or(data));
        self.has_data = true;
        Ok(None)
    }
}
