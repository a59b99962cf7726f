//! Functions on networks.
//!
//! Invariant: all computing is on whole numbers of 128 bits, checked against the width of the address.

use std::net::{Ipv4Addr, Ipv6Addr};

use bigdecimal::ToPrimitive as _;

use super::{Args, FnError, Function, Outcome, Param, Want, function, number, text, texts};
use crate::value::Val;

const PREFIX: Param = text("prefix");

pub(super) const TABLE: &[Function] = &[
    function(
        "cidrhost",
        &[PREFIX, number("number")],
        Want::Text,
        host,
        "Gives the address of a host in a network; negative numbers count from the end.",
    ),
    function("cidrnetmask", &[PREFIX], Want::Text, netmask, "Gives the mask of an IPv4 network."),
    function(
        "cidrsubnet",
        &[PREFIX, number("bits"), number("number")],
        Want::Text,
        subnet,
        "Gives a network within a network, a number of bits smaller.",
    ),
    function("cidrsubnets", &[PREFIX], Want::Texts, subnets, "Gives networks one after another within a network.").and(number("bits")),
];

/// A network: its first address, and how many bits of how many it fixes.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Network {
    first: u128,
    fixed: u32,
    width: u32,
}

impl Network {
    fn parse(text: &str) -> Result<Self, FnError> {
        let wrong = || FnError::arg(0, format!("\"{text}\" is not a network in CIDR notation, for example 10.0.0.0/16"));
        let (address, fixed) = text.split_once('/').ok_or_else(wrong)?;
        let (address, width) = match address.parse::<Ipv6Addr>() {
            Ok(address) => (address.to_bits(), 128),
            Err(_) => (u128::from(v4(address).ok_or_else(wrong)?), 32),
        };
        let digits = !fixed.is_empty() && fixed.len() <= 3 && fixed.bytes().all(|byte| byte.is_ascii_digit());
        let fixed: u32 = fixed.parse().ok().filter(|fixed| digits && *fixed <= width).ok_or_else(wrong)?;
        Ok(Self { first: address & !below(width - fixed), fixed, width })
    }

    fn address(self, address: u128) -> String {
        match u32::try_from(address) {
            Ok(address) if self.width == 32 => Ipv4Addr::from_bits(address).to_string(),
            _ => Ipv6Addr::from_bits(address).to_string(),
        }
    }

    fn show(self) -> String {
        format!("{}/{}", self.address(self.first), self.fixed)
    }

    /// The last address.
    fn last(self) -> u128 {
        self.first | below(self.width - self.fixed)
    }
}

/// All addresses that fit below so many free bits, as a mask.
fn below(bits: u32) -> u128 {
    1_u128.checked_shl(bits).map_or(u128::MAX, |end| end - 1)
}

/// An IPv4 address; a part may have leading zeros, and is decimal nevertheless.
fn v4(text: &str) -> Option<u32> {
    let part = |part: &str| {
        let digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        part.trim_start_matches('0').parse::<u8>().ok().or((part.bytes().all(|byte| byte == b'0')).then_some(0)).filter(|_| digits)
    };
    let parts = text.split('.').map(part).collect::<Option<Vec<u8>>>()?;
    <[u8; 4]>::try_from(parts).ok().map(u32::from_be_bytes)
}

fn host(args: &Args<'_>) -> Outcome {
    let network = Network::parse(args.text(0))?;
    let number = args.number(1)?.decimal();
    let wide = network.width - network.fixed;
    let outside = || FnError::arg(1, format!("a network of {wide} host bits has no such host"));
    if !number.is_integer() {
        return Err(FnError::arg(1, "a whole number is required"));
    }
    let size = below(wide);
    let number = number.to_i128().ok_or_else(outside)?;
    let within = number.unsigned_abs() <= if number < 0 { size.saturating_add(1) } else { size };
    if !within {
        return Err(outside());
    }
    let start =
        if number < 0 { network.last().wrapping_add(1).wrapping_sub(number.unsigned_abs()) } else { network.first | number.unsigned_abs() };
    Ok(Val::string(&network.address(start)))
}

fn netmask(args: &Args<'_>) -> Outcome {
    let network = Network::parse(args.text(0))?;
    if network.width != 32 {
        return Err(FnError::arg(0, "only IPv4 networks have a mask of this form"));
    }
    Ok(Val::string(&network.address(below(32) & !below(32 - network.fixed))))
}

/// How many bits more, checked against the width.
fn smaller(network: Network, args: &Args<'_>, at: usize, least: u32) -> Result<Network, FnError> {
    let bits = args.whole(at)?;
    let free = network.width - network.fixed;
    let bits = u32::try_from(bits).ok().filter(|bits| (least..=free).contains(bits));
    let bits =
        bits.ok_or_else(|| FnError::arg(at, format!("the number of bits must be {least} to {free} in a network of {}", network.show())))?;
    Ok(Network { fixed: network.fixed + bits, ..network })
}

fn subnet(args: &Args<'_>) -> Outcome {
    let network = Network::parse(args.text(0))?;
    let part = smaller(network, args, 1, 0)?;
    let most = below(part.fixed - network.fixed);
    let number = args.number(2)?.decimal();
    let number = if number.is_integer() { number.to_u128() } else { None };
    let number = number.filter(|number| *number <= most);
    let number = number.ok_or_else(|| FnError::arg(2, format!("the number of the network must be 0 to {most}")))?;
    let offset = number.checked_shl(part.width - part.fixed).unwrap_or(0);
    Ok(Val::string(&Network { first: network.first | offset, ..part }.show()))
}

fn subnets(args: &Args<'_>) -> Outcome {
    let network = Network::parse(args.text(0))?;
    let (mut found, mut next) = (Vec::new(), Some(network.first));
    for at in 1..args.vals.len() {
        let part = smaller(network, args, at, 1)?;
        let size = below(part.width - part.fixed);
        let full = || FnError::arg(at, format!("there is no room left in {}", network.show()));
        // The first address from here on at which a network of that size may start.
        let start = next.and_then(|next| next.checked_add(size)).ok_or_else(full)? & !size;
        let part = Network { first: start, ..part };
        if part.last() > network.last() {
            return Err(full());
        }
        next = part.last().checked_add(1);
        found.push(part.show());
    }
    Ok(texts(found))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refuse};

    #[test]
    fn networks() {
        check(&[
            ("cidrhost", r#"["10.12.112.0/20", 16]"#, r#""10.12.112.16""#),
            ("cidrhost", r#"["10.0.0.0/24", -256]"#, r#""10.0.0.0""#),
            ("cidrhost", r#"["10.0.0.5/24", -1]"#, r#""10.0.0.255""#),
            ("cidrhost", r#"["010.0.0.0/24", 1]"#, r#""10.0.0.1""#),
            ("cidrhost", r#"["fd00:fd12:3456:7890:00a2::/72", 34]"#, r#""fd00:fd12:3456:7890::22""#),
            ("cidrhost", r#"["::/0", -1]"#, r#""ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff""#),
            ("cidrnetmask", r#"["10.1.2.3/25"]"#, r#""255.255.255.128""#),
            ("cidrnetmask", r#"["0.0.0.0/0"]"#, r#""0.0.0.0""#),
            ("cidrsubnet", r#"["172.16.0.0/12", 4, 2]"#, r#""172.18.0.0/16""#),
            ("cidrsubnet", r#"["10.0.0.0/16", 0, 0]"#, r#""10.0.0.0/16""#),
            ("cidrsubnet", r#"["fd00:fd12:3456:7890::/56", 16, 162]"#, r#""fd00:fd12:3456:7800:a200::/72""#),
            ("cidrsubnet", r#"["::/0", 128, 5]"#, r#""::5/128""#),
            ("cidrsubnets", r#"["10.1.0.0/16", 4, 4, 8, 4]"#, r#"["10.1.0.0/20","10.1.16.0/20","10.1.32.0/24","10.1.48.0/20"]"#),
            ("cidrsubnets", r#"["10.0.0.0/24", 1, 2, 2]"#, r#"["10.0.0.0/25","10.0.0.128/26","10.0.0.192/26"]"#),
            (
                "cidrsubnets",
                r#"["ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127", 1, 1]"#,
                r#"["ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/128","ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"]"#,
            ),
        ]);
        refuse(&[
            ("cidrhost", r#"["10.0.0.0", 1]"#),
            ("cidrhost", r#"["10.0.0.0/24", 256]"#),
            ("cidrhost", r#"["10.0.0.0/24", -257]"#),
            ("cidrhost", r#"["10.0.0.0/24", 1.5]"#),
            ("cidrhost", r#"["10.0.0.0/24", 1e50]"#),
            ("cidrhost", r#"["300.0.0.0/24", 1]"#),
            ("cidrhost", r#"["10.0.0/24", 1]"#),
            ("cidrhost", r#"["10.0.0.0/+8", 1]"#),
            ("cidrnetmask", r#"["fd00::/8"]"#),
            ("cidrsubnet", r#"["10.0.0.0/24", 9, 0]"#),
            ("cidrsubnet", r#"["10.0.0.0/24", 2, 4]"#),
            ("cidrsubnet", r#"["10.0.0.0/24", -2, 0]"#),
            ("cidrsubnets", r#"["10.0.0.0/24", 0]"#),
            ("cidrsubnets", r#"["10.0.0.0/24", 1, 1, 1]"#),
        ]);
    }
}
