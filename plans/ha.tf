# A web service that survives the death of a server, with the settings of the tutorial that it follows: two droplets with
# Ubuntu 14.04, a corosync/pacemaker pair without fencing, nginx, a floating IP that the pair moves by itself, and a domain.
#
#   dofloat apply ha --sim       in the built-in simulator, which needs no account
#   dofloat apply ha-modern      the same as one would build it today
#
# No variable has to be set in the simulator. DigitalOcean has withdrawn the image, so there the plan says which to use instead:
# -var image=ubuntu-24-04-x64, or the stack ha-modern.

variable "region" {
  description = "The datacenter of everything here. A floating IP only moves between droplets of one region."
  type        = string
  default     = "nyc3"
}

variable "image" {
  description = "What the droplets boot."
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

variable "failover_token" {
  description = "The token by which the nodes move the floating IP. `dofloat scopes ha` prints which scopes it needs."
  type        = string
  default     = null
  sensitive   = true
}

resource "dofloat_cluster" "web" {
  region = var.region
  image  = var.image
  size   = var.size
  nodes  = ["primary", "secondary"]

  # The logs of both nodes and yours go by one clock.
  timezone = "America/New_York"

  service        = "nginx"
  failover_token = var.failover_token

  # As in the tutorial. What they cost is said in ha-modern.tf, which does otherwise.
  transport        = "udpu"
  fencing          = "none"
  no_quorum_policy = "ignore"
}

resource "digitalocean_domain" "web" {
  name = var.domain
}

# example.com and www.example.com both lead to the floating IP.
resource "digitalocean_record" "apex" {
  domain = digitalocean_domain.web.name
  type   = "A"
  name   = "@"
  value  = dofloat_cluster.web.ip
}

resource "digitalocean_record" "www" {
  domain = digitalocean_domain.web.name
  type   = "A"
  name   = "www"
  value  = dofloat_cluster.web.ip
}

output "floating_ip" {
  description = "The address that stays the same, whichever droplet answers."
  value       = dofloat_cluster.web.ip
}

output "url" {
  value = "http://${dofloat_cluster.web.ip}"
}

output "nodes" {
  description = "The droplets' own addresses, for logging in and for the private network."
  value = {
    for name, node in dofloat_cluster.web.nodes :
    name => { public = node.ipv4_address, private = node.ipv4_address_private }
  }
}
