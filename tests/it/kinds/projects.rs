//! Everything that can lie in a project lies in one: it is put there, seen there, and nothing is planned anew.

use crate::support::harness::Stack;

const ALL: &str = r#"
resource "digitalocean_droplet" "d" {
  name   = "d"
  image  = "ubuntu-24-04-x64"
  size   = "s-1vcpu-1gb"
  region = "nyc3"
}

resource "digitalocean_domain" "z" {
  name = "example.com"
}

resource "digitalocean_volume" "v" {
  name   = "v"
  region = "nyc3"
  size   = 1
}

resource "digitalocean_loadbalancer" "l" {
  name        = "l"
  region      = "nyc3"
  droplet_ids = [digitalocean_droplet.d.id]

  forwarding_rule {
    entry_port      = 80
    entry_protocol  = "http"
    target_port     = 80
    target_protocol = "http"
  }
}

resource "digitalocean_reserved_ip" "i" {
  region = "nyc3"
}

resource "digitalocean_spaces_bucket" "b" {
  name   = "bucket-of-the-project"
  region = "nyc3"
}

resource "digitalocean_database_cluster" "p" {
  name       = "p"
  engine     = "pg"
  version    = "16"
  size       = "db-s-1vcpu-1gb"
  region     = "nyc3"
  node_count = 1
}

data "digitalocean_kubernetes_versions" "all" {
}

resource "digitalocean_kubernetes_cluster" "k" {
  name    = "k"
  region  = "nyc3"
  version = data.digitalocean_kubernetes_versions.all.latest_version

  node_pool {
    name       = "pool"
    size       = "s-2vcpu-2gb"
    node_count = 1
  }
}

resource "digitalocean_app" "a" {
  spec {
    name   = "app-a"
    region = "nyc"

    static_site {
      name = "site"

      git {
        repo_clone_url = "https://github.com/digitalocean/sample-jekyll.git"
        branch         = "main"
      }
    }
  }
}

resource "digitalocean_project" "all" {
  name = "all"
  resources = [
    digitalocean_droplet.d.urn, digitalocean_domain.z.urn, digitalocean_volume.v.urn, digitalocean_loadbalancer.l.urn,
    digitalocean_reserved_ip.i.urn, digitalocean_spaces_bucket.b.urn, digitalocean_database_cluster.p.urn,
    digitalocean_kubernetes_cluster.k.urn, digitalocean_app.a.urn,
  ]
}
"#;

#[test]
fn what_can_lie_in_a_project_lies_there_for_good() {
    let stack = Stack::with_plan("web", ALL);
    stack.run(&["apply", "web", "--sim", "-auto-approve"]).ok().says("Apply complete! Resources: 10 added");
    stack.run(&["plan", "web", "--sim"]).ok().says("No changes.");
    // What is taken out goes alone: the address has another name there than here, and stays.
    stack.replace("plans/web.tf", "digitalocean_droplet.d.urn, ", "");
    stack.run(&["apply", "web", "--sim", "-auto-approve"]).ok().says("Apply complete! Resources: 0 added, 1 changed");
    stack.run(&["plan", "web", "--sim"]).ok().says("No changes.");
    stack.run(&["destroy", "web", "--sim", "-auto-approve"]).ok().says("Destroy complete! Resources: 10 destroyed.");
}
