/// EBCDIC (code page 037) of the printable ASCII characters, from the space on.
const EBCDIC: [u8; 95] = [
    0x40, 0x5A, 0x7F, 0x7B, 0x5B, 0x6C, 0x50, 0x7D, 0x4D, 0x5D, 0x5C, 0x4E, 0x6B, 0x60, 0x4B, 0x61,
    0xF0, 0xF1, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6, 0xF7, 0xF8, 0xF9, 0x7A, 0x5E, 0x4C, 0x7E, 0x6E, 0x6F,
    0x7C, 0xC1, 0xC2, 0xC3, 0xC4, 0xC5, 0xC6, 0xC7, 0xC8, 0xC9, 0xD1, 0xD2, 0xD3, 0xD4, 0xD5, 0xD6,
    0xD7, 0xD8, 0xD9, 0xE2, 0xE3, 0xE4, 0xE5, 0xE6, 0xE7, 0xE8, 0xE9, 0xBA, 0xE0, 0xBB, 0xB0, 0x6D,
    0x79, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x91, 0x92, 0x93, 0x94, 0x95, 0x96,
    0x97, 0x98, 0x99, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7, 0xA8, 0xA9, 0xC0, 0x4F, 0xD0, 0xA1,
];

/// How a text header is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Ebcdic,
    Ascii,
}

impl Encoding {
    /// The encoding in which more of `text` is letters, digits and spaces; EBCDIC when it is empty.
    ///
    /// Both looked at whole, because some headers start with blanks or zeros.
    pub(crate) fn of(text: &[u8]) -> Self {
        let words = |encoding: Self| {
            let is_word = |c: &char| c.is_ascii_alphanumeric() || *c == ' ';
            text.iter().filter_map(|&byte| encoding.char(byte)).filter(is_word).count()
        };
        if words(Self::Ascii) > words(Self::Ebcdic) { Self::Ascii } else { Self::Ebcdic }
    }

    /// The character of `byte`, where it is printable ASCII.
    fn char(self, byte: u8) -> Option<char> {
        let ascii = match self {
            Self::Ascii => Some(byte),
            Self::Ebcdic => {
                EBCDIC.iter().position(|&code| code == byte).map(|index| index as u8 + b' ')
            }
        };
        match ascii {
            Some(c @ b' '..=b'~') => Some(char::from(c)),
            _ => None,
        }
    }
}

/// The lines of a text header that say more than their number. What is not printable, zeros included,
/// reads as blanks, and does not end the text.
pub(crate) fn lines(text: &[u8], encoding: Encoding) -> Vec<String> {
    text.chunks(80)
        .map(|line| {
            let chars = line.iter().map(|&byte| encoding.char(byte).unwrap_or(' '));
            chars.collect::<String>().trim_end().to_owned()
        })
        .filter(|line| {
            let rest = line.trim_start_matches(['C', 'c']).trim_start();
            !rest.trim_start_matches(|c: char| c.is_ascii_digit()).trim().is_empty()
        })
        .collect()
}

/// Whether `text` is the stanza that ends the extended text headers.
pub(crate) fn ends_extended_text(text: &[u8]) -> bool {
    let found = |encoding: Encoding| {
        let chars = text.iter().take(80).filter_map(|&byte| encoding.char(byte));
        let squeezed: String = chars.filter(|c| *c != ' ').collect();
        squeezed.to_ascii_uppercase().contains("((SEG:ENDTEXT))")
    };
    found(Encoding::Ebcdic) || found(Encoding::Ascii)
}

/// A text header of 40 lines of 80 characters in EBCDIC; longer text is cut, and characters beyond
/// ASCII become blanks.
pub(crate) fn encode(lines: &[String]) -> Vec<u8> {
    let blank = EBCDIC[0];
    let mut text = Vec::with_capacity(40 * 80);
    for number in 0..40 {
        let line = lines.get(number).map_or("", String::as_str);
        let line = format!("C{:>2} {line}", number + 1);
        text.extend(line.chars().take(80).map(|c| match c {
            ' '..='~' => EBCDIC[c as usize - ' ' as usize],
            _ => blank,
        }));
        text.resize((number + 1) * 80, blank);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ebcdic_round_trips() {
        let all: String = (b' '..=b'~').map(char::from).collect();
        let (first, second) = all.split_at(60);
        let text = encode(&[first.to_owned(), String::new(), second.to_owned()]);
        assert_eq!(text.len(), 3200);
        assert_eq!(Encoding::of(&text), Encoding::Ebcdic);
        let back = lines(&text, Encoding::Ebcdic);
        assert_eq!(back, [format!("C 1 {first}"), format!("C 3 {second}")]);
    }

    #[test]
    fn zeros_do_not_end_the_text() {
        let mut text = vec![0; 3200];
        text[100..105].copy_from_slice(b"HELLO");
        assert_eq!(Encoding::of(&text), Encoding::Ascii);
        assert_eq!(lines(&text, Encoding::Ascii), ["                    HELLO"]);
        assert_eq!(Encoding::of(&[0; 3200]), Encoding::Ebcdic);
    }

    #[test]
    fn the_end_stanza_is_found_in_both_encodings() {
        assert!(ends_extended_text(b"((SEG: EndText))        "));
        let ebcdic: Vec<u8> =
            "((SEG:ENDTEXT))".bytes().map(|c| EBCDIC[usize::from(c - b' ')]).collect();
        assert!(ends_extended_text(&ebcdic));
        assert!(!ends_extended_text(b"((OGP: P1/11))"));
    }
}
