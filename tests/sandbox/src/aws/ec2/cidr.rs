//! Blocks of IPv4 addresses.

use std::net::Ipv4Addr;

/// A block, its address without host bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cidr {
    first: u32,
    prefix: u32,
}

impl Cidr {
    /// Reads `10.0.0.0/16`; host bits are dropped, as EC2 does:
    /// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpc.html>.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/')?;
        let address: Ipv4Addr = address.parse().ok()?;
        let prefix: u32 = prefix.parse().ok()?;
        if prefix > 32 {
            return None;
        }
        let mask = u32::MAX.checked_shl(32 - prefix).unwrap_or(0);
        Some(Self {
            first: u32::from(address) & mask,
            prefix,
        })
    }

    /// From /16 to /28, which is what networks and subnets may be:
    /// <https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html>.
    pub(crate) fn fits_a_network(self) -> bool {
        (16..=28).contains(&self.prefix)
    }

    pub(crate) fn contains(self, other: Self) -> bool {
        self.prefix <= other.prefix
            && other.first & u32::MAX.checked_shl(32 - self.prefix).unwrap_or(0) == self.first
    }

    pub(crate) fn overlaps(self, other: Self) -> bool {
        self.contains(other) || other.contains(self)
    }

    /// Addresses in the block.
    pub(crate) fn size(self) -> u64 {
        1_u64 << (32 - self.prefix)
    }

    /// An address of the block, counted from its first.
    pub(crate) fn address(self, number: u64) -> Ipv4Addr {
        let offset = u32::try_from(number % self.size()).unwrap_or(0);
        Ipv4Addr::from(self.first.wrapping_add(offset))
    }
}

impl std::fmt::Display for Cidr {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}/{}", Ipv4Addr::from(self.first), self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_host_bits_and_knows_what_lies_inside() {
        let network = Cidr::read("10.0.3.7/16").unwrap();
        assert_eq!(network.to_string(), "10.0.0.0/16");
        let inside = Cidr::read("10.0.255.0/24").unwrap();
        assert!(network.contains(inside) && !inside.contains(network));
        assert!(!network.overlaps(Cidr::read("10.1.0.0/24").unwrap()));
        assert_eq!(inside.size(), 256);
        assert_eq!(inside.address(4).to_string(), "10.0.255.4");
    }

    #[test]
    fn refuses_what_is_no_block() {
        for text in ["", "10.0.0.0", "10.0.0/8", "10.0.0.0/33", "10.0.0.0/-1", "x/8"] {
            assert_eq!(Cidr::read(text), None, "{text}");
        }
        assert_eq!(Cidr::read("0.0.0.0/0").map(Cidr::size), Some(1 << 32));
    }
}
