//! Forms of names, addresses and ranges, as the API demands them.
//!
//! Invariant: pure; says yes or no, and leaves the words to the kinds.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net};

/// A droplet's name, which becomes its host name: letters, digits, dots and dashes, with a letter or digit at the end.
pub(crate) fn droplet_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    !name.is_empty() && name.len() <= 255 && name.chars().all(fits) && name.ends_with(|c: char| c.is_ascii_alphanumeric())
}

/// A VPC's name.
pub(crate) fn vpc_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= 255 && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'))
}

/// A firewall's name.
pub(crate) fn firewall_name(name: &str) -> bool {
    name.len() >= 2 && name.len() <= 255 && vpc_name(name) && name.starts_with(|c: char| c.is_ascii_alphanumeric())
}

/// A volume's name.
pub(crate) fn volume_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    name.len() <= 64 && name.chars().all(fits) && name.starts_with(|c: char| c.is_ascii_lowercase())
}

/// A name of which only the length counts.
pub(crate) fn short(name: &str) -> bool {
    (1..=255).contains(&name.chars().count())
}

/// A tag.
pub(crate) fn tag(name: &str) -> bool {
    !name.is_empty() && name.len() <= 255 && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ':'))
}

/// A domain's name: at least two labels, without a dot at the end.
pub(crate) fn domain_name(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && name.contains('.') && name.split('.').all(label)
}

/// An IPv4 address.
pub(crate) fn ipv4(text: &str) -> bool {
    text.parse::<Ipv4Addr>().is_ok()
}

/// An IPv6 address.
pub(crate) fn ipv6(text: &str) -> bool {
    text.parse::<Ipv6Addr>().is_ok()
}

/// A network or a single address.
pub(crate) fn network(text: &str) -> Option<IpNet> {
    text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// Why a range will not do for a VPC.
pub(crate) fn vpc_range(text: &str) -> Result<Ipv4Net, &'static str> {
    let net: Ipv4Net = text.parse().map_err(|_| "is not an IPv4 range in CIDR notation")?;
    if net.addr() != net.network() {
        return Err("has host bits set");
    }
    if !(16..=28).contains(&net.prefix_len()) {
        return Err("is not between /16 and /28");
    }
    let private = [(Ipv4Addr::new(10, 0, 0, 0), 8), (Ipv4Addr::new(172, 16, 0, 0), 12), (Ipv4Addr::new(192, 168, 0, 0), 16)];
    let within = private.iter().any(|&(addr, length)| Ipv4Net::new(addr, length).is_ok_and(|outer| outer.contains(&net)));
    if within { Ok(net) } else { Err("is not private") }
}

/// Whether two ranges share an address.
pub(crate) fn overlap(a: &Ipv4Net, b: &Ipv4Net) -> bool {
    a.contains(b) || b.contains(a)
}

/// A port range in its normal form: `0` for all, `80` for one, `8000-9000`; `None` if it is none.
pub(crate) fn ports(text: &str) -> Option<String> {
    let port = |text: &str| text.trim().parse::<u16>().ok();
    match text.trim() {
        "all" | "0" => Some("0".to_owned()),
        text => match text.split_once('-') {
            None => port(text).map(|port| port.to_string()),
            Some((from, to)) => match (port(from)?, port(to)?) {
                (0 | 1, u16::MAX) => Some("0".to_owned()),
                (0, _) => None,
                (from, to) if from == to => Some(from.to_string()),
                (from, to) if from < to => Some(format!("{from}-{to}")),
                _ => None,
            },
        },
    }
}

/// A port range in its normal form as the official provider shows it.
pub(crate) fn shown_ports(protocol: &str, ports: &str) -> String {
    match (protocol, ports) {
        ("icmp", "0") => String::new(),
        (_, "0") => "all".to_owned(),
        (_, ports) => ports.to_owned(),
    }
}

/// A public key of OpenSSH as its two essential words: type and content.
pub(crate) fn public_key(text: &str) -> Option<(&str, &str)> {
    use base64::Engine as _;
    let mut words = text.split_whitespace();
    let (kind, blob) = (words.next()?, words.next()?);
    let bytes = base64::engine::general_purpose::STANDARD.decode(blob).ok()?;
    // The content repeats its type, with its length before it.
    let length = u32::from_be_bytes(bytes.get(..4)?.try_into().ok()?) as usize;
    (bytes.get(4..4 + length)? == kind.as_bytes()).then_some((kind, blob))
}

/// The MD5 fingerprint by which the API knows a public key: `3b:16:…`.
pub(crate) fn fingerprint(key: &str) -> Option<String> {
    use base64::Engine as _;
    use md5::{Digest as _, Md5};
    let (_, blob) = public_key(key)?;
    let bytes = base64::engine::general_purpose::STANDARD.decode(blob).ok()?;
    let pairs: Vec<String> = Md5::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    Some(pairs.join(":"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of the tests: an ed25519 type with 32 zero bytes.
    pub(crate) const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA ops@example.com";

    #[test]
    fn names() {
        for (name, droplet, vpc, firewall, of_tag, domain) in [
            ("web-1", true, true, true, true, false),
            ("web_1", false, false, false, true, false),
            ("example.com", true, true, true, false, true),
            ("example.com.", false, true, true, false, false),
            ("-web", true, true, false, true, false),
            ("w", true, true, false, true, false),
            ("", false, false, false, false, false),
            ("env:prod", false, false, false, true, false),
            ("größe.de", false, false, false, false, false),
            ("-a.com", true, true, false, false, false),
        ] {
            let found = (droplet_name(name), vpc_name(name), firewall_name(name), tag(name), domain_name(name));
            assert_eq!(found, (droplet, vpc, firewall, of_tag, domain), "{name}");
        }
    }

    #[test]
    fn ranges_of_a_vpc() {
        for (range, why) in [
            ("10.10.10.0/24", None),
            ("172.31.0.0/16", None),
            ("10.10.10.1/24", Some("has host bits set")),
            ("10.0.0.0/8", Some("is not between /16 and /28")),
            ("10.0.0.0/29", Some("is not between /16 and /28")),
            ("11.0.0.0/24", Some("is not private")),
            ("172.32.0.0/24", Some("is not private")),
            ("fd00::/64", Some("is not an IPv4 range in CIDR notation")),
            ("10.0.0.0", Some("is not an IPv4 range in CIDR notation")),
        ] {
            assert_eq!(vpc_range(range).err(), why, "{range}");
        }
    }

    #[test]
    fn port_ranges_have_one_form() {
        for (text, form) in [
            ("all", Some("0")),
            ("0", Some("0")),
            ("1-65535", Some("0")),
            ("0-65535", Some("0")),
            ("80", Some("80")),
            ("080", Some("80")),
            ("80-80", Some("80")),
            ("8000 - 9000", Some("8000-9000")),
            ("9000-8000", None),
            ("0-80", None),
            ("65536", None),
            ("http", None),
            ("", None),
        ] {
            assert_eq!(ports(text).as_deref(), form, "{text}");
        }
    }

    #[test]
    fn a_public_key_is_known_by_its_content() {
        assert!(public_key(KEY).is_some());
        assert!(public_key("ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").is_none());
        assert!(public_key("ssh-ed25519").is_none());
        assert!(public_key("-----BEGIN OPENSSH PRIVATE KEY-----").is_none());
        // What `ssh-keygen -l -E md5` says.
        assert_eq!(fingerprint(KEY).as_deref(), Some("3d:52:38:ce:ff:94:f5:d7:81:a4:a4:f9:2b:4f:fe:a0"));
    }
}
