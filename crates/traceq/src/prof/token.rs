//! MessagePack, one token at a time, from a source that is not trusted.

use std::io::{self, Read};

use rmp::Marker;

use super::ProfError;

/// The begin of a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Token {
    Nil,
    Bool,
    Uint(u64),
    Negative,
    Float(f64),
    /// Text of so many bytes.
    Str(u32),
    /// Binary or extension data of so many bytes.
    Opaque(u64),
    Array(u32),
    Map(u32),
}

impl Token {
    fn name(self) -> &'static str {
        match self {
            Self::Nil => "nil",
            Self::Bool => "a bool",
            Self::Uint(_) => "an integer",
            Self::Negative => "a negative integer",
            Self::Float(_) => "a float",
            Self::Str(_) => "text",
            Self::Opaque(_) => "binary data",
            Self::Array(_) => "an array",
            Self::Map(_) => "a map",
        }
    }
}

/// Reads tokens and counts what was read.
#[derive(Debug)]
pub(super) struct Tokens<R> {
    from: R,
    offset: u64,
    limit: u64,
    /// For the message of a truncated file.
    pub(super) rows: u64,
}

impl<R: Read> Tokens<R> {
    pub(super) fn new(from: R, limit: u64) -> Self {
        Self { from, offset: 0, limit, rows: 0 }
    }

    pub(super) fn next(&mut self) -> Result<Token, ProfError> {
        let marker = Marker::from_u8(self.be::<1>()? as u8);
        Ok(match marker {
            Marker::FixPos(value) => Token::Uint(value.into()),
            Marker::FixNeg(_) => Token::Negative,
            Marker::FixMap(n) => Token::Map(n.into()),
            Marker::FixArray(n) => Token::Array(n.into()),
            Marker::FixStr(n) => Token::Str(n.into()),
            Marker::Null => Token::Nil,
            Marker::True | Marker::False => Token::Bool,
            Marker::U8 => Token::Uint(self.be::<1>()?),
            Marker::U16 => Token::Uint(self.be::<2>()?),
            Marker::U32 => Token::Uint(self.be::<4>()?),
            Marker::U64 => Token::Uint(self.be::<8>()?),
            Marker::I8 => signed((self.be::<1>()? as u8 as i8).into()),
            Marker::I16 => signed((self.be::<2>()? as u16 as i16).into()),
            Marker::I32 => signed((self.be::<4>()? as u32 as i32).into()),
            Marker::I64 => signed(self.be::<8>()? as i64),
            Marker::F32 => Token::Float(f32::from_bits(self.be::<4>()? as u32).into()),
            Marker::F64 => Token::Float(f64::from_bits(self.be::<8>()?)),
            Marker::Str8 => Token::Str(self.be::<1>()? as u32),
            Marker::Str16 => Token::Str(self.be::<2>()? as u32),
            Marker::Str32 => Token::Str(self.be::<4>()? as u32),
            Marker::Bin8 => Token::Opaque(self.be::<1>()?),
            Marker::Bin16 => Token::Opaque(self.be::<2>()?),
            Marker::Bin32 => Token::Opaque(self.be::<4>()?),
            // An extension has one byte of type before its data.
            Marker::FixExt1 => Token::Opaque(2),
            Marker::FixExt2 => Token::Opaque(3),
            Marker::FixExt4 => Token::Opaque(5),
            Marker::FixExt8 => Token::Opaque(9),
            Marker::FixExt16 => Token::Opaque(17),
            Marker::Ext8 => Token::Opaque(self.be::<1>()? + 1),
            Marker::Ext16 => Token::Opaque(self.be::<2>()? + 1),
            Marker::Ext32 => Token::Opaque(self.be::<4>()? + 1),
            Marker::Array16 => Token::Array(self.be::<2>()? as u32),
            Marker::Array32 => Token::Array(self.be::<4>()? as u32),
            Marker::Map16 => Token::Map(self.be::<2>()? as u32),
            Marker::Map32 => Token::Map(self.be::<4>()? as u32),
            Marker::Reserved => return Err(self.unexpected("a value", "the reserved byte 0xc1")),
        })
    }

    pub(super) fn map(&mut self, expected: &'static str) -> Result<u32, ProfError> {
        match self.next()? {
            Token::Map(n) => Ok(n),
            other => Err(self.unexpected(expected, other.name())),
        }
    }

    pub(super) fn array(&mut self, expected: &'static str) -> Result<u32, ProfError> {
        match self.next()? {
            Token::Array(n) => Ok(n),
            other => Err(self.unexpected(expected, other.name())),
        }
    }

    pub(super) fn uint(&mut self, expected: &'static str) -> Result<u64, ProfError> {
        match self.next()? {
            Token::Uint(value) => Ok(value),
            other => Err(self.unexpected(expected, other.name())),
        }
    }

    /// Reads text into `to`, replacing what is there. Text longer than `longest` is read past and
    /// `to` is left empty: nothing that long can be one of the names that are looked for.
    pub(super) fn name(
        &mut self,
        to: &mut Vec<u8>,
        longest: u32,
        expected: &'static str,
    ) -> Result<(), ProfError> {
        to.clear();
        match self.next()? {
            Token::Str(n) if n > longest => self.pass(n.into()),
            Token::Str(n) => self.text_of(n, to),
            other => Err(self.unexpected(expected, other.name())),
        }
    }

    /// Length of the text that follows, whose bytes are to be read by [`Tokens::text_of`].
    pub(super) fn text(&mut self, expected: &'static str) -> Result<u32, ProfError> {
        match self.next()? {
            Token::Str(n) => Ok(n),
            other => Err(self.unexpected(expected, other.name())),
        }
    }

    /// Appends `n` bytes of text. Memory grows with what is there, not with what was declared.
    pub(super) fn text_of(&mut self, n: u32, to: &mut Vec<u8>) -> Result<(), ProfError> {
        self.check(n.into())?;
        let read = (&mut self.from).take(n.into()).read_to_end(to);
        let read = read.map_err(|e| self.failed(e))?;
        self.offset += read as u64;
        if read < n as usize {
            return Err(self.truncated());
        }
        match std::str::from_utf8(&to[to.len() - read..]) {
            Ok(_) => Ok(()),
            Err(_) => Err(self.unexpected("UTF-8 text", "other bytes")),
        }
    }

    /// Reads past the rest of a value whose begin was `token`. Nesting is counted, not recursed into.
    pub(super) fn skip(&mut self, token: Token) -> Result<(), ProfError> {
        let mut token = token;
        let mut left: u64 = 0;
        loop {
            match token {
                Token::Str(n) => self.pass(n.into())?,
                Token::Opaque(n) => self.pass(n)?,
                // At most one step per byte read, so the sum stays far below 2⁶⁴.
                Token::Array(n) => left += u64::from(n),
                Token::Map(n) => left += 2 * u64::from(n),
                Token::Nil | Token::Bool | Token::Uint(_) | Token::Negative | Token::Float(_) => {}
            }
            if left == 0 {
                return Ok(());
            }
            left -= 1;
            token = self.next()?;
        }
    }

    /// The stream must end here.
    pub(super) fn end(mut self) -> Result<(), ProfError> {
        let mut byte = [0];
        match read_some(&mut self.from, &mut byte) {
            Ok(0) => Ok(()),
            Ok(_) => Err(ProfError::Trailing { offset: self.offset }),
            Err(e) => Err(self.failed(e)),
        }
    }

    pub(super) fn unexpected(&self, expected: &'static str, found: &'static str) -> ProfError {
        ProfError::Unexpected { expected, found, offset: self.offset }
    }

    fn truncated(&self) -> ProfError {
        ProfError::Truncated { offset: self.offset, rows: self.rows }
    }

    fn failed(&self, source: io::Error) -> ProfError {
        match source.kind() {
            io::ErrorKind::UnexpectedEof => self.truncated(),
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
                ProfError::Damaged { offset: self.offset, source }
            }
            _ => ProfError::Io(source),
        }
    }

    fn check(&self, more: u64) -> Result<(), ProfError> {
        if more > self.limit - self.offset {
            return Err(ProfError::TooLarge {
                what: "of decompressed data",
                limit: self.limit,
                option: "decompressed_bytes",
            });
        }
        Ok(())
    }

    /// A big-endian number of `N` bytes.
    fn be<const N: usize>(&mut self) -> Result<u64, ProfError> {
        self.check(N as u64)?;
        let mut bytes = [0; N];
        self.from.read_exact(&mut bytes).map_err(|e| self.failed(e))?;
        self.offset += N as u64;
        Ok(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn pass(&mut self, n: u64) -> Result<(), ProfError> {
        self.check(n)?;
        let passed = io::copy(&mut (&mut self.from).take(n), &mut io::sink());
        let passed = passed.map_err(|e| self.failed(e))?;
        self.offset += passed;
        if passed < n { Err(self.truncated()) } else { Ok(()) }
    }
}

fn signed(value: i64) -> Token {
    u64::try_from(value).map_or(Token::Negative, Token::Uint)
}

fn read_some(from: &mut impl Read, to: &mut [u8]) -> io::Result<usize> {
    loop {
        match from.read(to) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(bytes: &[u8]) -> Tokens<&[u8]> {
        Tokens::new(bytes, 1 << 20)
    }

    #[test]
    fn numbers_of_all_widths() {
        let bytes = [0x05, 0xcc, 0xff, 0xd1, 0x01, 0x00, 0xd0, 0xff, 0xca, 0x3f, 0x80, 0, 0];
        let mut tokens = tokens(&bytes);
        let mut next = || tokens.next().unwrap();
        assert_eq!(
            [next(), next(), next(), next(), next()],
            [
                Token::Uint(5),
                Token::Uint(255),
                Token::Uint(256),
                Token::Negative,
                Token::Float(1.0)
            ]
        );
    }

    #[test]
    fn deep_nesting_is_passed_without_recursion() {
        let mut bytes = vec![0x91; 900_000];
        bytes.push(0xc0);
        let mut tokens = tokens(&bytes);
        let first = tokens.next().unwrap();
        tokens.skip(first).unwrap();
        tokens.end().unwrap();
    }

    #[test]
    fn declared_lengths_allocate_nothing() {
        let mut text = Vec::new();
        let huge = [0xdb, 0xff, 0xff, 0xff, 0xff, b'x'];
        let error = tokens(&huge).name(&mut text, u32::MAX, "text").unwrap_err();
        assert!(matches!(error, ProfError::TooLarge { .. }), "{error}");
        let short = [0xdb, 0x00, 0x0f, 0x00, 0x00, b'x'];
        let error = tokens(&short).name(&mut text, u32::MAX, "text").unwrap_err();
        assert!(matches!(error, ProfError::Truncated { offset: 6, .. }), "{error}");
        assert!(text.capacity() < 1 << 16, "{}", text.capacity());
    }

    #[test]
    fn what_is_not_a_value_is_named() {
        let error = tokens(&[0xc1]).next().unwrap_err();
        assert!(error.to_string().contains("0xc1"), "{error}");
        let error = tokens(&[0x93]).map("a profile").unwrap_err();
        assert!(matches!(error, ProfError::Unexpected { found: "an array", .. }));
    }
}
