# The account that the token belongs to.
data "digitalocean_account" "mine" {
}

# An app.
data "digitalocean_app" "shop" {
  app_id = digitalocean_app.shop.id
}

# A certificate by name.
data "digitalocean_certificate" "shared" {
  name = "shared"
}

# A container registry by name.
data "digitalocean_container_registry" "company" {
  name = "company"
}

# The certificate of the authority that a database cluster's certificate is signed by.
data "digitalocean_database_ca" "main" {
  cluster_id = digitalocean_database_cluster.main.id
}

# A database cluster by name.
data "digitalocean_database_cluster" "warehouse" {
  name = "warehouse"
}

# A pool of connections by name.
data "digitalocean_database_connection_pool" "app" {
  cluster_id = digitalocean_database_cluster.main.id
  name       = digitalocean_database_connection_pool.app.name
}

# A read-only copy of a database cluster by name.
data "digitalocean_database_replica" "copy" {
  cluster_id = digitalocean_database_cluster.main.id
  name       = digitalocean_database_replica.copy.name
}

# A user of a database cluster by name.
data "digitalocean_database_user" "app" {
  cluster_id = digitalocean_database_cluster.main.id
  name       = digitalocean_database_user.app.name
}

# A DNS zone by name.
data "digitalocean_domain" "company" {
  name = "example.org"
}

# The DNS zones of the account.
data "digitalocean_domains" "all" {
}

# A droplet by ID, name or tag.
data "digitalocean_droplet" "db" {
  name = "db"
}

# A droplet's snapshot by name.
data "digitalocean_droplet_snapshot" "latest" {
  name_regex  = "^nightly"
  region      = "nyc3"
  most_recent = true
}

# The droplets of the account, filtered and sorted.
data "digitalocean_droplets" "web" {
  filter {
    key    = "tags"
    values = ["web"]
  }
  sort {
    key       = "name"
    direction = "asc"
  }
}

# A firewall by ID.
data "digitalocean_firewall" "web" {
  firewall_id = digitalocean_firewall.web.id
}

# A reserved IP address, by the name that DigitalOcean used before.
data "digitalocean_floating_ip" "api" {
  ip_address = digitalocean_floating_ip.api.ip_address
}

# An image by slug, ID or name.
data "digitalocean_image" "ubuntu" {
  slug = "ubuntu-24-04-x64"
}

# The images that droplets can be created from, filtered and sorted.
data "digitalocean_images" "ubuntu" {
  filter {
    key    = "distribution"
    values = ["Ubuntu"]
  }
}

# A Kubernetes cluster by name.
data "digitalocean_kubernetes_cluster" "main" {
  name = "main"
}

# The versions of Kubernetes that DigitalOcean offers.
data "digitalocean_kubernetes_versions" "stable" {
  version_prefix = "1."
}

# A load balancer by name or ID.
data "digitalocean_loadbalancer" "web" {
  name = "web"
}

# A project by name or ID, or the default one.
data "digitalocean_project" "default" {
}

# The projects of the account, filtered and sorted.
data "digitalocean_projects" "production" {
  filter {
    key    = "environment"
    values = ["Production"]
  }
}

# A record of a DNS zone by name.
data "digitalocean_record" "www" {
  domain = data.digitalocean_domain.company.name
  name   = "www"
}

# The records of a DNS zone, filtered and sorted.
data "digitalocean_records" "addresses" {
  domain = data.digitalocean_domain.company.name
  filter {
    key    = "type"
    values = ["A"]
  }
}

# A region by slug.
data "digitalocean_region" "nyc" {
  slug = "nyc3"
}

# The regions of DigitalOcean, filtered and sorted.
data "digitalocean_regions" "open" {
  filter {
    key    = "available"
    values = ["true"]
  }
}

# A reserved IP address.
data "digitalocean_reserved_ip" "web" {
  ip_address = digitalocean_reserved_ip.web.ip_address
}

# A reserved IPv6 address.
data "digitalocean_reserved_ipv6" "web" {
  ip = digitalocean_reserved_ipv6.web.ip
}

# The sizes of droplets with their prices, filtered and sorted.
data "digitalocean_sizes" "small" {
  filter {
    key    = "vcpus"
    values = [1, 2]
  }
  sort {
    key       = "price_monthly"
    direction = "asc"
  }
}

# A Spaces bucket by name.
data "digitalocean_spaces_bucket" "static" {
  name       = digitalocean_spaces_bucket.static.name
  region     = "nyc3"
  depends_on = [digitalocean_spaces_bucket.static]
}

# An object in a Spaces bucket.
data "digitalocean_spaces_bucket_object" "index" {
  bucket     = digitalocean_spaces_bucket.static.name
  region     = "nyc3"
  key        = digitalocean_spaces_bucket_object.index.key
  depends_on = [digitalocean_spaces_bucket_object.index]
}

# The names of the objects in a Spaces bucket.
data "digitalocean_spaces_bucket_objects" "static" {
  bucket     = digitalocean_spaces_bucket.static.name
  region     = "nyc3"
  prefix     = "img/"
  depends_on = [digitalocean_spaces_bucket_object.index]
}

# The Spaces buckets, filtered and sorted.
data "digitalocean_spaces_buckets" "nyc" {
  filter {
    key    = "region"
    values = ["nyc3"]
  }
}

# An access key for Spaces by name.
data "digitalocean_spaces_key" "uploads" {
  name       = digitalocean_spaces_key.uploads.name
  depends_on = [digitalocean_spaces_key.uploads]
}

# An SSH key by name.
data "digitalocean_ssh_key" "laptop" {
  name = "laptop"
}

# The SSH keys of the account, filtered and sorted.
data "digitalocean_ssh_keys" "all" {
}

# A tag by name.
data "digitalocean_tag" "web" {
  name = "web"
}

# The tags of the account, filtered and sorted.
data "digitalocean_tags" "all" {
}

# A volume by name.
data "digitalocean_volume" "archive" {
  name   = "archive"
  region = "nyc3"
}

# A volume's snapshot by name.
data "digitalocean_volume_snapshot" "latest" {
  name_regex  = "^nightly"
  region      = "nyc3"
  most_recent = true
}

# A private network by ID, name or region.
data "digitalocean_vpc" "default" {
  region = "nyc3"
}

# A connection between two VPCs by name.
data "digitalocean_vpc_peering" "copy" {
  name       = digitalocean_vpc_peering.copy.name
  depends_on = [digitalocean_vpc_peering.copy]
}

# A NAT gateway by ID or name.
data "digitalocean_vpc_nat_gateway" "web" {
  name       = digitalocean_vpc_nat_gateway.web.name
  depends_on = [digitalocean_vpc_nat_gateway.web]
}

# A connection to the network of a partner by ID or name.
data "digitalocean_partner_attachment" "office" {
  id = digitalocean_partner_attachment.office.id
}

# The key by which a partner finds an attachment.
data "digitalocean_partner_attachment_service_key" "office" {
  attachment_id = digitalocean_partner_attachment.office.id
}
