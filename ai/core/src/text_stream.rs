//! From the bytes of tokens to text: whole code points only, and nothing from a stop string on.

/// Puts pieces together. What is pushed comes out at the next push or at the end, except for a stop string and what
/// follows it.
#[derive(Debug, Default)]
pub struct TextStream {
    stops: Vec<String>,
    /// Bytes that may yet become part of a code point.
    bytes: Vec<u8>,
    /// Text that may yet become part of a stop string.
    held: String,
    is_stopped: bool,
}

impl TextStream {
    /// Makes a stream that ends before any of these.
    #[must_use]
    pub fn new(stops: Vec<String>) -> Self {
        Self { stops, ..Self::default() }
    }

    /// Whether a stop string came.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.is_stopped
    }

    /// Takes the bytes of a token and gives what is certain now.
    pub fn push(&mut self, piece: &[u8]) -> String {
        if self.is_stopped {
            return String::new();
        }
        self.bytes.extend_from_slice(piece);
        self.take_whole(false);
        self.release(false)
    }

    /// Gives what was held back; half a code point becomes U+FFFD.
    pub fn finish(&mut self) -> String {
        if self.is_stopped {
            return String::new();
        }
        self.take_whole(true);
        self.release(true)
    }

    /// Moves whole code points to the held text. Bytes that can never become one are replaced.
    fn take_whole(&mut self, is_end: bool) {
        loop {
            match std::str::from_utf8(&self.bytes) {
                Ok(text) => {
                    self.held.push_str(text);
                    self.bytes.clear();
                    return;
                }
                Err(error) => {
                    let valid = error.valid_up_to();
                    self.held.push_str(std::str::from_utf8(&self.bytes[..valid]).unwrap_or_default());
                    let bad = match error.error_len() {
                        Some(bad) => bad,
                        None if is_end => self.bytes.len() - valid,
                        None => {
                            self.bytes.drain(..valid);
                            return;
                        }
                    };
                    self.held.push(char::REPLACEMENT_CHARACTER);
                    self.bytes.drain(..valid + bad);
                }
            }
        }
    }

    fn release(&mut self, is_end: bool) -> String {
        let found = self.stops.iter().filter_map(|stop| self.held.find(stop.as_str())).min();
        if let Some(at) = found {
            self.is_stopped = true;
            self.held.truncate(at);
            return std::mem::take(&mut self.held);
        }
        let keep = if is_end { 0 } else { self.beginning_of_a_stop() };
        let rest = self.held.split_off(self.held.len() - keep);
        std::mem::replace(&mut self.held, rest)
    }

    /// Bytes at the end of the held text that a stop string begins with.
    fn beginning_of_a_stop(&self) -> usize {
        let longest = |stop: &String| {
            let lengths = (1..stop.len()).rev().filter(|length| stop.is_char_boundary(*length));
            lengths.into_iter().find(|length| self.held.ends_with(&stop[..*length]))
        };
        self.stops.iter().filter_map(longest).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn streamed(pieces: &[&[u8]], stops: &[&str]) -> (Vec<String>, bool) {
        let mut stream = TextStream::new(stops.iter().map(|stop| (*stop).to_owned()).collect());
        let mut texts: Vec<String> = pieces.iter().map(|piece| stream.push(piece)).collect();
        texts.push(stream.finish());
        (texts, stream.is_stopped())
    }

    #[test]
    fn half_a_code_point_waits() {
        let (texts, _) = streamed(&[b"a\xc3", b"\xa4b", b"\xf0\x9f"], &[]);
        assert_eq!(texts, ["a", "äb", "", "\u{fffd}"]);
        let (texts, _) = streamed(&[b"a\xffb"], &[]);
        assert_eq!(texts, ["a\u{fffd}b", ""]);
    }

    #[test]
    fn a_stop_string_ends_it_wherever_it_is_cut() {
        let (texts, is_stopped) = streamed(&[b"one\n", b"\ntwo"], &["\n\n"]);
        assert_eq!((texts.concat().as_str(), is_stopped), ("one", true));
        let (texts, is_stopped) = streamed(&[b"x</", b"b", b">y"], &["</a>", "</c>"]);
        assert_eq!((texts.concat().as_str(), is_stopped), ("x</b>y", false));
        let (texts, _) = streamed(&[b"only</"], &["</a>"]);
        assert_eq!(texts, ["only", "</"]);
    }

    proptest! {
        #[test]
        fn however_it_is_cut_the_text_is_the_same(
            text in "[a-cäß€😀]{0,40}", stop in "[a-cä]{1,3}", cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        ) {
            let bytes = text.as_bytes();
            let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            places.extend([0, bytes.len()]);
            places.sort_unstable();
            let pieces: Vec<&[u8]> = places.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            let (texts, is_stopped) = streamed(&pieces, &[&stop]);
            let expected = text.find(&stop).map_or(text.as_str(), |at| &text[..at]);
            prop_assert_eq!(texts.concat(), expected);
            prop_assert_eq!(is_stopped, text.contains(&stop));
        }
    }
}
