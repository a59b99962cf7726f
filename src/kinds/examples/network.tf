# A private network of a region.
resource "digitalocean_vpc" "web" {
  name     = "web"
  region   = "nyc3"
  ip_range = "10.10.0.0/20"
}

# A private network in another region.
resource "digitalocean_vpc" "copy" {
  name     = "copy"
  region   = "fra1"
  ip_range = "10.20.0.0/20"
}

# A connection between two VPCs.
resource "digitalocean_vpc_peering" "copy" {
  name    = "copy"
  vpc_ids = [digitalocean_vpc.web.id, digitalocean_vpc.copy.id]
}

# The way out of a VPC for droplets that have no public address.
resource "digitalocean_vpc_nat_gateway" "web" {
  name   = "web"
  type   = "PUBLIC"
  region = "nyc3"
  size   = 1
  vpcs {
    vpc_uuid        = digitalocean_vpc.web.id
    default_gateway = true
  }
}

# A connection between VPCs and the network of a partner.
resource "digitalocean_partner_attachment" "office" {
  name                         = "office"
  connection_bandwidth_in_mbps = 1000
  region                       = "nyc"
  naas_provider                = "MEGAPORT"
  vpc_ids                      = [digitalocean_vpc.web.id]
}

# A firewall for droplets, by ID or by tag.
resource "digitalocean_firewall" "web" {
  name = "web"
  tags = [digitalocean_tag.web.name]
  inbound_rule {
    protocol         = "tcp"
    port_range       = "443"
    source_addresses = ["0.0.0.0/0", "::/0"]
  }
  outbound_rule {
    protocol              = "tcp"
    port_range            = "all"
    destination_addresses = ["0.0.0.0/0", "::/0"]
  }
}

# A public IPv4 address that can move between the droplets of a region.
resource "digitalocean_reserved_ip" "web" {
  region = "nyc3"
}

# Which droplet a reserved IP address leads to.
resource "digitalocean_reserved_ip_assignment" "web" {
  ip_address = digitalocean_reserved_ip.web.ip_address
  droplet_id = digitalocean_droplet.web.id
}

# A reserved IP address, by the name that DigitalOcean used before.
resource "digitalocean_floating_ip" "api" {
  region = "nyc3"
}

# Which droplet a floating IP address leads to.
resource "digitalocean_floating_ip_assignment" "api" {
  ip_address = digitalocean_floating_ip.api.ip_address
  droplet_id = digitalocean_droplet.web.id
}

# A public IPv6 address that can move between the droplets of a region.
resource "digitalocean_reserved_ipv6" "web" {
  region_slug = "nyc3"
}

# Which droplet a reserved IPv6 address leads to.
resource "digitalocean_reserved_ipv6_assignment" "web" {
  ip         = digitalocean_reserved_ipv6.web.ip
  droplet_id = digitalocean_droplet.web.id
}

# A load balancer in front of droplets.
resource "digitalocean_loadbalancer" "web" {
  name        = "web"
  region      = "nyc3"
  droplet_ids = [digitalocean_droplet.web.id]
  forwarding_rule {
    entry_protocol  = "http"
    entry_port      = 80
    target_protocol = "http"
    target_port     = 80
  }
  healthcheck {
    protocol = "http"
    port     = 80
    path     = "/health"
  }
}

# A TLS certificate for load balancers and CDNs: of Let's Encrypt, or your own.
resource "digitalocean_certificate" "web" {
  name    = "web"
  type    = "lets_encrypt"
  domains = [digitalocean_domain.example.name]
}

# A DNS zone.
resource "digitalocean_domain" "example" {
  name = "example.com"
}

# A record of a DNS zone.
resource "digitalocean_record" "www" {
  domain = digitalocean_domain.example.name
  type   = "A"
  name   = "www"
  value  = digitalocean_reserved_ip.web.ip_address
  ttl    = 300
}

# A copy of a Spaces bucket at the edge of the network.
resource "digitalocean_cdn" "static" {
  origin = digitalocean_spaces_bucket.static.bucket_domain_name
  ttl    = 3600
}
