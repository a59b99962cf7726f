# A server.
resource "digitalocean_droplet" "web" {
  name     = "web"
  region   = "nyc3"
  image    = "ubuntu-24-04-x64"
  size     = "s-1vcpu-1gb"
  ssh_keys = [digitalocean_ssh_key.ops.id]
  tags     = ["web"]
}

# A public SSH key that droplets can be created with.
resource "digitalocean_ssh_key" "ops" {
  name       = "ops"
  public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA ops@example.com"
}

# A snapshot of a droplet's disk.
resource "digitalocean_droplet_snapshot" "before_upgrade" {
  name       = "before-upgrade"
  droplet_id = digitalocean_droplet.web.id
}

# An image that DigitalOcean fetches from a URL.
resource "digitalocean_custom_image" "nixos" {
  name         = "nixos"
  url          = "https://example.com/nixos.qcow2"
  distribution = "Unknown"
  regions      = ["nyc3"]
}

# A managed Kubernetes cluster with its first node pool.
resource "digitalocean_kubernetes_cluster" "main" {
  name    = "main"
  region  = "nyc3"
  version = "latest"
  node_pool {
    name       = "web"
    size       = "s-2vcpu-4gb"
    node_count = 2
  }
}

# A further node pool of a Kubernetes cluster.
resource "digitalocean_kubernetes_node_pool" "batch" {
  cluster_id = digitalocean_kubernetes_cluster.main.id
  name       = "batch"
  size       = "s-2vcpu-4gb"
  auto_scale = true
  min_nodes  = 1
  max_nodes  = 4
}

# An app on the App Platform.
resource "digitalocean_app" "shop" {
  spec {
    name   = "shop"
    region = "nyc"
    service {
      name      = "web"
      http_port = 8080
      image {
        registry_type = "DOCKER_HUB"
        registry      = "library"
        repository    = "nginx"
      }
    }
  }
}

# A private registry of container images.
resource "digitalocean_container_registry" "shop" {
  name                   = "shop"
  subscription_tier_slug = "basic"
}

# Credentials with which Docker can pull from a container registry.
resource "digitalocean_container_registry_docker_credentials" "shop" {
  registry_name = digitalocean_container_registry.shop.name
}

# A value that the state keeps, and provisioners without a server.
resource "terraform_data" "release" {
  input            = "v1.4.0"
  triggers_replace = [digitalocean_droplet.web.id]
}
