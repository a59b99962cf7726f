# Two web servers behind one floating IP, with a domain and a firewall.
#
#   dofloat apply web --sim      in the built-in simulator, which needs no account
#   dofloat apply web            in your DigitalOcean account
#
# No variable has to be set. To change one: -var region=fra1, a tfvars file, or TF_VAR_region in the environment.

variable "region" {
  description = "The datacenter of everything here. A floating IP only moves between droplets of one region."
  type        = string
  default     = "nyc3"
}

variable "image" {
  description = "What the droplets boot. DigitalOcean has withdrawn 14.04; the plan names images that fit."
  type        = string
  default     = "ubuntu-14-04-x64"
}

variable "size" {
  description = "How big each droplet is."
  type        = string
  default     = "s-1vcpu-1gb"
}

variable "domain" {
  description = "The domain that leads to the floating IP. It must be yours and use DigitalOcean's name servers."
  type        = string
  default     = "example.com"
}

locals {
  # Runs once on each droplet, as root, when it boots for the first time: it installs nginx and
  # makes the start page tell which droplet answered. A droplet learns about itself from the
  # metadata service, which answers at the same address on every droplet.
  first_boot = <<-SCRIPT
    #!/bin/bash
    apt-get -y update
    apt-get -y install nginx

    metadata=http://169.254.169.254/metadata/v1
    name=$(curl -s "$metadata/hostname")
    address=$(curl -s "$metadata/interfaces/public/0/ipv4/address")
    echo "Droplet: $name, IP Address: $address" > /usr/share/nginx/html/index.html
  SCRIPT

  # Every address there is, IPv4 and IPv6.
  anywhere = ["0.0.0.0/0", "::/0"]
}

# The private network on which the two droplets talk to each other.
resource "digitalocean_vpc" "web" {
  name   = "web"
  region = var.region
}

# The address that visitors use. It is reserved on its own, so it outlives either droplet.
resource "digitalocean_floating_ip" "web" {
  region = var.region
}

resource "digitalocean_droplet" "primary" {
  name      = "primary"
  region    = var.region
  image     = var.image
  size      = var.size
  vpc_uuid  = digitalocean_vpc.web.id
  user_data = local.first_boot
}

resource "digitalocean_droplet" "secondary" {
  name      = "secondary"
  region    = var.region
  image     = var.image
  size      = var.size
  vpc_uuid  = digitalocean_vpc.web.id
  user_data = local.first_boot
}

# Who answers at the floating IP. Put secondary here and apply, and the address moves.
resource "digitalocean_floating_ip_assignment" "web" {
  ip_address = digitalocean_floating_ip.web.ip_address
  droplet_id = digitalocean_droplet.primary.id
}

resource "digitalocean_domain" "web" {
  name = var.domain
}

# example.com and www.example.com both lead to the floating IP.
resource "digitalocean_record" "apex" {
  domain = digitalocean_domain.web.name
  type   = "A"
  name   = "@"
  value  = digitalocean_floating_ip.web.ip_address
}

resource "digitalocean_record" "www" {
  domain = digitalocean_domain.web.name
  type   = "A"
  name   = "www"
  value  = digitalocean_floating_ip.web.ip_address
}

# What is not allowed here is dropped, in both directions.
resource "digitalocean_firewall" "web" {
  name        = "web"
  droplet_ids = [digitalocean_droplet.primary.id, digitalocean_droplet.secondary.id]

  # SSH and the web, for everybody.
  inbound_rule {
    protocol         = "tcp"
    port_range       = "22"
    source_addresses = local.anywhere
  }
  inbound_rule {
    protocol         = "tcp"
    port_range       = "80"
    source_addresses = local.anywhere
  }

  # corosync, by which the two watch each other: from the other one only.
  inbound_rule {
    protocol           = "udp"
    port_range         = "5404-5406"
    source_droplet_ids = [digitalocean_droplet.primary.id, digitalocean_droplet.secondary.id]
  }

  # Without these nothing gets out: no name is resolved and no package is installed.
  outbound_rule {
    protocol              = "tcp"
    port_range            = "1-65535"
    destination_addresses = local.anywhere
  }
  outbound_rule {
    protocol              = "udp"
    port_range            = "1-65535"
    destination_addresses = local.anywhere
  }
  outbound_rule {
    protocol              = "icmp"
    destination_addresses = local.anywhere
  }
}

output "floating_ip" {
  description = "The address that stays the same, whichever droplet answers."
  value       = digitalocean_floating_ip.web.ip_address
}

output "url" {
  value = "http://${digitalocean_floating_ip.web.ip_address}"
}

output "nodes" {
  description = "The droplets' own addresses, for logging in and for the private network."
  value = {
    for node in [digitalocean_droplet.primary, digitalocean_droplet.secondary] :
    node.name => { public = node.ipv4_address, private = node.ipv4_address_private }
  }
}
