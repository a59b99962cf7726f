# A project: what groups resources in the control panel.
resource "digitalocean_project" "shop" {
  name        = "shop"
  description = "The shop and all that it needs"
  purpose     = "Web Application"
  environment = "Production"
  resources   = [digitalocean_droplet.web.urn]
}

# Resources in a project that is managed elsewhere.
resource "digitalocean_project_resources" "shop" {
  project   = digitalocean_project.shop.id
  resources = [digitalocean_volume.data.urn]
}

# A tag for droplets and other resources.
resource "digitalocean_tag" "web" {
  name = "web"
}

# A check from outside whether a site answers.
resource "digitalocean_uptime_check" "www" {
  name   = "www"
  target = "https://www.example.com"
}

# Who is told when an uptime check fails.
resource "digitalocean_uptime_alert" "www" {
  name     = "www-is-down"
  check_id = digitalocean_uptime_check.www.id
  type     = "down"
  period   = "2m"
  notifications {
    email = ["ops@example.com"]
  }
}

# Who is told when a metric of droplets goes past a limit.
resource "digitalocean_monitor_alert" "cpu" {
  description = "A web server is busy"
  type        = "v1/insights/droplet/cpu"
  compare     = "GreaterThan"
  value       = 90
  window      = "5m"
  entities    = [digitalocean_droplet.web.id]
  alerts {
    email = ["ops@example.com"]
  }
}

# Two droplets as a highly available pair: a reserved IP address, a private network, a firewall, and corosync with pacemaker, which
# moves the address when a node dies.
resource "dofloat_cluster" "web" {
  region   = "nyc3"
  image    = "ubuntu-24-04-x64"
  size     = "s-1vcpu-1gb"
  nodes    = ["primary", "secondary"]
  timezone = "America/New_York"
  service  = "nginx"
  fencing  = "api"
}
