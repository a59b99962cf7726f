//! Regions, sizes and images that the simulated account is offered: data of our own, in the shape of the real ones.
//!
//! Invariant: what a region offers follows from the tables below; nothing here changes while the simulator runs.

use serde_json::{Value, json};

/// A region.
#[derive(Debug)]
pub(super) struct Region {
    pub(super) slug: &'static str,
    pub(super) name: &'static str,
    pub(super) available: bool,
}

/// A size.
#[derive(Debug)]
pub(super) struct Size {
    pub(super) slug: &'static str,
    pub(super) memory: u64,
    pub(super) vcpus: u64,
    pub(super) disk: u64,
    transfer: f64,
    pub(super) monthly: f64,
    hourly: f64,
    description: &'static str,
    /// Not offered in the oldest sites.
    new_sites_only: bool,
}

/// A public image.
#[derive(Debug)]
pub(super) struct Image {
    pub(super) id: u64,
    pub(super) slug: &'static str,
    name: &'static str,
    distribution: &'static str,
    created: &'static str,
    pub(super) min_disk: u64,
    gigabytes: f64,
    kind: &'static str,
}

pub(super) static REGIONS: &[Region] = &[
    region("ams2", "Amsterdam 2", false),
    region("ams3", "Amsterdam 3", true),
    region("blr1", "Bangalore 1", true),
    region("fra1", "Frankfurt 1", true),
    region("lon1", "London 1", true),
    region("nyc1", "New York 1", true),
    region("nyc2", "New York 2", true),
    region("nyc3", "New York 3", true),
    region("sfo1", "San Francisco 1", false),
    region("sfo2", "San Francisco 2", true),
    region("sfo3", "San Francisco 3", true),
    region("sgp1", "Singapore 1", true),
    region("syd1", "Sydney 1", true),
    region("tor1", "Toronto 1", true),
];

const fn region(slug: &'static str, name: &'static str, available: bool) -> Region {
    Region { slug, name, available }
}

pub(super) static SIZES: &[Size] = &[
    basic("s-1vcpu-512mb-10gb", 512, 1, 10, 0.5, 4.0, 0.00595, "Basic", true),
    basic("s-1vcpu-1gb", 1024, 1, 25, 1.0, 6.0, 0.00893, "Basic", false),
    basic("s-1vcpu-1gb-amd", 1024, 1, 25, 1.0, 7.0, 0.01042, "Basic AMD", true),
    basic("s-1vcpu-1gb-intel", 1024, 1, 25, 1.0, 7.0, 0.01042, "Basic Intel", true),
    basic("s-1vcpu-2gb", 2048, 1, 50, 2.0, 12.0, 0.01786, "Basic", false),
    basic("s-1vcpu-2gb-amd", 2048, 1, 50, 2.0, 14.0, 0.02083, "Basic AMD", true),
    basic("s-1vcpu-2gb-intel", 2048, 1, 50, 2.0, 14.0, 0.02083, "Basic Intel", true),
    basic("s-2vcpu-2gb", 2048, 2, 60, 3.0, 18.0, 0.02679, "Basic", false),
    basic("s-2vcpu-2gb-amd", 2048, 2, 60, 3.0, 21.0, 0.03125, "Basic AMD", true),
    basic("s-2vcpu-2gb-intel", 2048, 2, 60, 3.0, 21.0, 0.03125, "Basic Intel", true),
    basic("s-2vcpu-4gb", 4096, 2, 80, 4.0, 24.0, 0.03571, "Basic", false),
    basic("s-2vcpu-4gb-amd", 4096, 2, 80, 4.0, 28.0, 0.04167, "Basic AMD", true),
    basic("s-2vcpu-4gb-intel", 4096, 2, 80, 4.0, 28.0, 0.04167, "Basic Intel", true),
    basic("s-4vcpu-8gb", 8192, 4, 160, 5.0, 48.0, 0.07143, "Basic", false),
    basic("s-4vcpu-8gb-amd", 8192, 4, 160, 5.0, 56.0, 0.08333, "Basic AMD", true),
    basic("s-4vcpu-8gb-intel", 8192, 4, 160, 5.0, 56.0, 0.08333, "Basic Intel", true),
    basic("s-8vcpu-16gb", 16384, 8, 320, 6.0, 96.0, 0.14286, "Basic", false),
    basic("s-8vcpu-16gb-amd", 16384, 8, 320, 6.0, 112.0, 0.16667, "Basic AMD", true),
    basic("s-8vcpu-16gb-intel", 16384, 8, 320, 6.0, 112.0, 0.16667, "Basic Intel", true),
    basic("c-2", 4096, 2, 25, 4.0, 42.0, 0.0625, "CPU-Optimized", false),
    basic("c-4", 8192, 4, 50, 5.0, 84.0, 0.125, "CPU-Optimized", false),
    basic("c-8", 16384, 8, 100, 6.0, 168.0, 0.25, "CPU-Optimized", false),
    basic("g-2vcpu-8gb", 8192, 2, 25, 4.0, 63.0, 0.09375, "General Purpose", false),
    basic("g-4vcpu-16gb", 16384, 4, 50, 5.0, 126.0, 0.1875, "General Purpose", false),
    basic("g-8vcpu-32gb", 32768, 8, 100, 6.0, 252.0, 0.375, "General Purpose", false),
    basic("m-2vcpu-16gb", 16384, 2, 50, 4.0, 84.0, 0.125, "Memory-Optimized", false),
    basic("m-4vcpu-32gb", 32768, 4, 100, 6.0, 168.0, 0.25, "Memory-Optimized", false),
    basic("so-2vcpu-16gb", 16384, 2, 300, 4.0, 131.0, 0.19494, "Storage-Optimized", true),
];

#[expect(clippy::too_many_arguments, reason = "a row of a table")]
const fn basic(
    slug: &'static str,
    memory: u64,
    vcpus: u64,
    disk: u64,
    transfer: f64,
    monthly: f64,
    hourly: f64,
    description: &'static str,
    new_sites_only: bool,
) -> Size {
    Size { slug, memory, vcpus, disk, transfer, monthly, hourly, description, new_sites_only }
}

pub(super) static IMAGES: &[Image] = &[
    image(100_140_464, "ubuntu-14-04-x64", "14.04.5 x64", "Ubuntu", "2019-05-13T17:22:27Z", 20, 0.36),
    image(100_160_464, "ubuntu-16-04-x64", "16.04 (LTS) x64", "Ubuntu", "2021-03-01T15:10:24Z", 15, 0.4),
    image(100_180_464, "ubuntu-18-04-x64", "18.04 (LTS) x64", "Ubuntu", "2023-05-02T15:11:50Z", 7, 0.41),
    image(100_200_464, "ubuntu-20-04-x64", "20.04 (LTS) x64", "Ubuntu", "2025-05-05T15:12:43Z", 7, 0.66),
    image(100_220_464, "ubuntu-22-04-x64", "22.04 (LTS) x64", "Ubuntu", "2026-03-02T15:13:10Z", 7, 0.71),
    image(100_240_464, "ubuntu-24-04-x64", "24.04 (LTS) x64", "Ubuntu", "2026-03-02T15:14:36Z", 10, 0.82),
    image(100_250_464, "ubuntu-25-10-x64", "25.10 x64", "Ubuntu", "2026-03-02T15:15:01Z", 10, 0.86),
    image(100_260_464, "ubuntu-26-04-x64", "26.04 (LTS) x64", "Ubuntu", "2026-05-04T15:15:36Z", 10, 0.88),
    image(100_110_464, "debian-11-x64", "11 x64", "Debian", "2025-06-02T15:10:36Z", 7, 0.55),
    image(100_120_464, "debian-12-x64", "12 x64", "Debian", "2026-03-02T15:16:36Z", 7, 0.54),
    image(100_130_464, "debian-13-x64", "13 x64", "Debian", "2026-03-02T15:17:36Z", 7, 0.57),
    image(100_300_464, "fedora-42-x64", "42 x64", "Fedora", "2026-01-12T15:10:36Z", 15, 1.1),
    image(100_310_464, "centos-stream-9-x64", "9 Stream x64", "CentOS", "2026-01-12T15:11:36Z", 10, 1.3),
    image(100_320_464, "rockylinux-9-x64", "9 x64", "Rocky Linux", "2026-01-12T15:12:36Z", 10, 1.6),
];

const fn image(
    id: u64,
    slug: &'static str,
    name: &'static str,
    distribution: &'static str,
    created: &'static str,
    min_disk: u64,
    gigabytes: f64,
) -> Image {
    Image { id, slug, name, distribution, created, min_disk, gigabytes, kind: "base" }
}

const OLD_SITES: &[&str] = &["ams2", "nyc2", "sfo1"];
const FEATURES: &[&str] = &["backups", "ipv6", "metadata", "install_agent", "storage", "image_transfer"];

/// The region of this slug.
pub(super) fn find_region(slug: &str) -> Option<&'static Region> {
    REGIONS.iter().find(|region| region.slug == slug)
}

/// The size of this slug.
pub(super) fn find_size(slug: &str) -> Option<&'static Size> {
    SIZES.iter().find(|size| size.slug == slug)
}

/// The image of this slug or number.
pub(super) fn find_image(key: &str) -> Option<&'static Image> {
    IMAGES.iter().find(|image| image.slug == key || image.id.to_string() == key)
}

impl Region {
    /// As the API shows it.
    pub(super) fn show(&self) -> Value {
        let sizes: Vec<&str> = SIZES.iter().filter(|size| size.is_in(self)).map(|size| size.slug).collect();
        json!({ "name": self.name, "slug": self.slug, "features": FEATURES, "available": self.available, "sizes": sizes })
    }
}

impl Size {
    /// Whether droplets of this size can be made in the region.
    pub(super) fn is_in(&self, region: &Region) -> bool {
        region.available && !(self.new_sites_only && OLD_SITES.contains(&region.slug))
    }

    /// As the API shows it.
    pub(super) fn show(&self) -> Value {
        let regions: Vec<&str> = REGIONS.iter().filter(|region| self.is_in(region)).map(|region| region.slug).collect();
        json!({
            "slug": self.slug, "memory": self.memory, "vcpus": self.vcpus, "disk": self.disk, "transfer": self.transfer,
            "price_monthly": self.monthly, "price_hourly": self.hourly, "regions": regions, "available": true,
            "description": self.description,
            "disk_info": [{ "type": "local", "size": { "amount": self.disk, "unit": "gib" } }],
        })
    }
}

impl Image {
    /// As the API shows it.
    pub(super) fn show(&self) -> Value {
        let regions: Vec<&str> = REGIONS.iter().map(|region| region.slug).collect();
        json!({
            "id": self.id, "name": self.name, "distribution": self.distribution, "slug": self.slug, "public": true,
            "regions": regions, "created_at": self.created, "type": self.kind, "min_disk_size": self.min_disk,
            "size_gigabytes": self.gigabytes, "description": format!("{} {}", self.distribution, self.name),
            "tags": [], "status": "available", "error_message": "",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tutorial_can_be_built_from_it() {
        let size = find_size("s-1vcpu-1gb").unwrap();
        assert!(size.is_in(find_region("nyc3").unwrap()));
        assert_eq!((size.show()["price_monthly"].as_f64(), size.show()["price_hourly"].as_f64()), (Some(6.0), Some(0.00893)));
        assert!(find_image("ubuntu-14-04-x64").is_some());
    }

    #[test]
    fn slugs_are_unique_and_what_is_closed_offers_nothing() {
        let mut slugs: Vec<&str> = SIZES.iter().map(|size| size.slug).chain(IMAGES.iter().map(|image| image.slug)).collect();
        slugs.sort_unstable();
        let count = slugs.len();
        slugs.dedup();
        assert_eq!(count, slugs.len());
        assert_eq!(find_region("sfo1").unwrap().show()["sizes"], json!([]));
    }
}
