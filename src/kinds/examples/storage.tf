# A disk of its own, which can be attached to a droplet.
resource "digitalocean_volume" "data" {
  name                    = "data"
  region                  = "nyc3"
  size                    = 10
  initial_filesystem_type = "ext4"
}

# Which droplet a volume is attached to.
resource "digitalocean_volume_attachment" "data" {
  volume_id  = digitalocean_volume.data.id
  droplet_id = digitalocean_droplet.web.id
}

# A snapshot of a volume.
resource "digitalocean_volume_snapshot" "monday" {
  name      = "monday"
  volume_id = digitalocean_volume.data.id
}

# A bucket of Spaces, DigitalOcean's object storage.
resource "digitalocean_spaces_bucket" "static" {
  name   = "static"
  region = "nyc3"
  acl    = "private"
}

# A bucket for the logs of another one.
resource "digitalocean_spaces_bucket" "logs" {
  name   = "static-logs"
  region = "nyc3"
}

# An object in a Spaces bucket.
resource "digitalocean_spaces_bucket_object" "index" {
  region       = digitalocean_spaces_bucket.static.region
  bucket       = digitalocean_spaces_bucket.static.name
  key          = "index.html"
  content      = "<h1>Hello</h1>"
  content_type = "text/html"
}

# From which sites browsers may use a Spaces bucket.
resource "digitalocean_spaces_bucket_cors_configuration" "static" {
  region = digitalocean_spaces_bucket.static.region
  bucket = digitalocean_spaces_bucket.static.name
  cors_rule {
    allowed_methods = ["GET"]
    allowed_origins = ["https://example.com"]
    max_age_seconds = 3600
  }
}

# Who may do what with a Spaces bucket.
resource "digitalocean_spaces_bucket_policy" "static" {
  region = digitalocean_spaces_bucket.static.region
  bucket = digitalocean_spaces_bucket.static.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = "*"
      Action    = "s3:GetObject"
      Resource  = "arn:aws:s3:::static/*"
    }]
  })
}

# Where accesses to a Spaces bucket are logged.
resource "digitalocean_spaces_bucket_logging" "static" {
  region        = digitalocean_spaces_bucket.static.region
  bucket        = digitalocean_spaces_bucket.static.name
  target_bucket = digitalocean_spaces_bucket.logs.name
  target_prefix = "static/"
}

# An access key for Spaces.
resource "digitalocean_spaces_key" "uploads" {
  name = "uploads"
  grant {
    bucket     = digitalocean_spaces_bucket.static.name
    permission = "readwrite"
  }
}

# A managed database cluster.
resource "digitalocean_database_cluster" "main" {
  name       = "main"
  engine     = "pg"
  version    = "16"
  size       = "db-s-1vcpu-1gb"
  region     = "nyc3"
  node_count = 1
}

# A database in a database cluster.
resource "digitalocean_database_db" "app" {
  cluster_id = digitalocean_database_cluster.main.id
  name       = "app"
}

# A user of a database cluster.
resource "digitalocean_database_user" "app" {
  cluster_id = digitalocean_database_cluster.main.id
  name       = "app"
}

# Who may connect to a database cluster.
resource "digitalocean_database_firewall" "main" {
  cluster_id = digitalocean_database_cluster.main.id
  rule {
    type  = "droplet"
    value = digitalocean_droplet.web.id
  }
}

# A pool of connections to a PostgreSQL database.
resource "digitalocean_database_connection_pool" "app" {
  cluster_id = digitalocean_database_cluster.main.id
  name       = "app"
  mode       = "transaction"
  size       = 10
  db_name    = digitalocean_database_db.app.name
  user       = digitalocean_database_user.app.name
}

# A syslog server that gets the logs of a database cluster.
resource "digitalocean_database_logsink_rsyslog" "main" {
  cluster_id = digitalocean_database_cluster.main.id
  name       = "syslog"
  server     = "logs.example.com"
  port       = 514
}

# An OpenSearch or Elasticsearch that gets the logs of a database cluster.
resource "digitalocean_database_logsink_opensearch" "main" {
  cluster_id     = digitalocean_database_cluster.main.id
  name           = "search"
  endpoint       = "https://search.example.com:9200"
  index_prefix   = "main"
  index_days_max = 14
}

# A read-only copy of a database cluster.
resource "digitalocean_database_replica" "copy" {
  cluster_id = digitalocean_database_cluster.main.id
  name       = "copy"
  size       = "db-s-1vcpu-1gb"
  region     = "nyc3"
}
