# A fleet for benchmarks and tests: each cluster has two droplets, a floating IP that leads to the first, and two records.

variable "clusters" {
  type    = number
  default = 20
}

locals {
  clusters = toset([for n in range(var.clusters) : format("c%03d", n)])
  nodes    = { for pair in setproduct(local.clusters, ["primary", "secondary"]) : join("-", pair) => pair[0] }
  records  = { for pair in setproduct(local.clusters, ["", "www."]) : "${pair[1]}${pair[0]}" => pair[0] }
}

resource "digitalocean_vpc" "net" {
  name   = "fleet"
  region = "nyc3"
}

resource "digitalocean_domain" "fleet" {
  name = "example.com"
}

resource "digitalocean_droplet" "node" {
  for_each = local.nodes
  name     = each.key
  region   = "nyc3"
  image    = "ubuntu-24-04-x64"
  size     = "s-1vcpu-1gb"
  vpc_uuid = digitalocean_vpc.net.id
}

resource "digitalocean_reserved_ip" "ip" {
  for_each = local.clusters
  region   = "nyc3"
}

resource "digitalocean_reserved_ip_assignment" "ip" {
  for_each   = local.clusters
  ip_address = digitalocean_reserved_ip.ip[each.key].ip_address
  droplet_id = digitalocean_droplet.node["${each.key}-primary"].id
}

resource "digitalocean_record" "a" {
  for_each = local.records
  domain   = digitalocean_domain.fleet.name
  type     = "A"
  name     = each.key
  value    = digitalocean_reserved_ip.ip[each.value].ip_address
}
