# The stack ha as one would build it today: a current Ubuntu, encrypted corosync, and fencing, so that there are never two
# owners of the floating IP.
#
#   dofloat apply ha-modern --sim      in the built-in simulator, which needs no account
#   dofloat scopes ha-modern           which tokens the stack needs: one for dofloat, one for the nodes
#   dofloat apply ha-modern            in your DigitalOcean account; give -var domain=… and TF_VAR_failover_token

variable "region" {
  description = "The datacenter of everything here. A floating IP only moves between droplets of one region."
  type        = string
  default     = "nyc3"
}

variable "image" {
  description = "What the droplets boot: Ubuntu 22.04, 24.04 or 26.04, or Debian 12 or 13."
  type        = string
  default     = "ubuntu-24-04-x64"
}

variable "size" {
  description = "How big each droplet is."
  type        = string
  default     = "s-1vcpu-1gb"
}

variable "domain" {
  description = "The domain that leads to the floating IP. It must be yours and use DigitalOcean's name servers. Empty: no DNS."
  type        = string
  default     = ""
}

variable "failover_token" {
  description = "The token by which the nodes move the floating IP and reset each other."
  type        = string
  default     = null
  sensitive   = true
}

resource "dofloat_cluster" "web" {
  region = var.region
  image  = var.image
  size   = var.size
  nodes  = ["primary", "secondary"]

  service        = "nginx"
  failover_token = var.failover_token

  # A node that is not seen any more is reset through the API before the other is sure to be alone. The delay is the head start in
  # seconds of the node that has the address; less than 8 count as 8.
  fencing       = "api"
  fencing_delay = 8
}

resource "digitalocean_domain" "web" {
  count = var.domain == "" ? 0 : 1
  name  = var.domain
}

resource "digitalocean_record" "web" {
  for_each   = var.domain == "" ? toset([]) : toset(["@", "www"])
  domain     = var.domain
  type       = "A"
  name       = each.key
  value      = dofloat_cluster.web.ip
  depends_on = [digitalocean_domain.web]
}

output "floating_ip" {
  description = "The address that stays the same, whichever droplet answers."
  value       = dofloat_cluster.web.ip
}

output "nodes" {
  description = "The droplets' own addresses, for logging in and for the private network."
  value = {
    for name, node in dofloat_cluster.web.nodes :
    name => { public = node.ipv4_address, private = node.ipv4_address_private }
  }
}
