//! Check sums and hashes.

use std::fmt::Write as _;

use super::strings::text;
use super::{Entry, arg};
use crate::error::Result;
use crate::value::{Value, digest};

pub(super) const TABLE: &[Entry] = &[
    ("CRC32", 1, 1, |_, args| {
        Ok(format!("{:x}", crc32c(text(args, 0).as_bytes())).into())
    }),
    ("FNV64", 1, 1, |_, args| {
        Ok(format!("{:x}", fnv1a(text(args, 0).as_bytes())).into())
    }),
    // ArangoDB does not promise which number this is, only that equal values have the same.
    ("HASH", 1, 1, |_, args| {
        Ok(Value::Int(i64::try_from(digest(arg(args, 0)) >> 12).unwrap_or(0)))
    }),
    ("MD5", 1, 1, |_, args| Ok(hex(&md5(text(args, 0).as_bytes())).into())),
    ("SHA1", 1, 1, |_, args| {
        sha(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, args)
    }),
    ("SHA256", 1, 1, |_, args| sha(&ring::digest::SHA256, args)),
    ("SHA512", 1, 1, |_, args| sha(&ring::digest::SHA512, args)),
];

fn sha(algorithm: &'static ring::digest::Algorithm, args: &[Value]) -> Result<Value> {
    Ok(hex(ring::digest::digest(algorithm, text(args, 0).as_bytes()).as_ref()).into())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// CRC-32C (Castagnoli).
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 }
        })
    })
}

fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// MD5 (RFC 1321).
fn md5(message: &[u8]) -> [u8; 16] {
    const SHIFTS: [u32; 16] = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21];
    let mut padded = message.to_vec();
    padded.push(0x80);
    while padded.len() % 64 != 56 {
        padded.push(0);
    }
    padded.extend((message.len() as u64).wrapping_mul(8).to_le_bytes());
    let mut state: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
    for block in padded.chunks_exact(64) {
        let words: Vec<u32> = block
            .chunks_exact(4)
            .map(|word| word.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte)))
            .collect();
        let [mut a, mut b, mut c, mut d] = state;
        for step in 0..64_u32 {
            let (mixed, place) = match step / 16 {
                0 => (b & c | !b & d, step),
                1 => (d & b | !d & c, 5 * step + 1),
                2 => (b ^ c ^ d, 3 * step + 5),
                _ => (c ^ (b | !d), 7 * step),
            };
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "the constants of the algorithm fit in 32 bits"
            )]
            let constant = ((f64::from(step) + 1.0).sin().abs() * 4_294_967_296.0) as u32;
            let word = words.get((place % 16) as usize).copied().unwrap_or(0);
            let shift = SHIFTS.get((step / 16 * 4 + step % 4) as usize).copied().unwrap_or(0);
            let sum = a.wrapping_add(mixed).wrapping_add(constant).wrapping_add(word);
            (a, d, c, b) = (d, c, b, b.wrapping_add(sum.rotate_left(shift)));
        }
        for (total, part) in state.iter_mut().zip([a, b, c, d]) {
            *total = total.wrapping_add(part);
        }
    }
    let mut out = [0; 16];
    for (slot, byte) in out.iter_mut().zip(state.iter().flat_map(|word| word.to_le_bytes())) {
        *slot = byte;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_sums_of_known_texts() {
        // RFC 1321's test suite, and the check values of CRC-32C and FNV-1a.
        assert_eq!(hex(&md5(b"")), "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(hex(&md5(b"message digest")), "f96b697d7cb7938d525a2f31aaf161d0");
        let digits = "12345678901234567890123456789012345678901234567890123456789012345678901234567890";
        assert_eq!(hex(&md5(digits.as_bytes())), "57edf4a22be3c955ac49da2e2107b67a");
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }
}
