# A file on this machine.
resource "local_file" "hosts" {
  filename = "${path.module}/out/hosts.ini"
  content  = "[web]\n192.0.2.1\n"
}

# A file on this machine whose content is not shown.
resource "local_sensitive_file" "key" {
  filename = "${path.module}/out/key.pem"
  content  = tls_private_key.web.private_key_pem
}

# Nothing: something for provisioners and triggers.
resource "null_resource" "release" {
  triggers = {
    version = "v1.4.0"
  }
}

# A text with values put into it. New files use `templatefile()`.
resource "template_file" "start" {
  template = "name: $${name}"
  vars = {
    name = "web"
  }
}

# Random bytes, kept as a secret.
resource "random_bytes" "key" {
  length = 32
}

# A random number in several spellings.
# Import: p-9hUg
resource "random_id" "suffix" {
  byte_length = 4
  prefix      = "web-"
}

# A random whole number.
# Import: 15390,1,50000
resource "random_integer" "port" {
  min = 1
  max = 50000
}

# A random text, kept as a secret.
resource "random_password" "admin" {
  length  = 24
  special = false
}

# A name made of random words.
resource "random_pet" "name" {
  length = 2
}

# A list in random order.
resource "random_shuffle" "regions" {
  input        = ["nyc3", "fra1", "sgp1"]
  result_count = 1
}

# A random text.
# Import: k3x9q2wa
resource "random_string" "suffix" {
  length  = 8
  upper   = false
  special = false
}

# A random UUID.
# Import: aabbccdd-eeff-0011-2233-445566778899
resource "random_uuid" "run" {
}

# A time at some distance from another.
resource "time_offset" "expiry" {
  offset_days = 90
}

# A time that moves on when it is over: for what should be renewed regularly.
resource "time_rotating" "month" {
  rotation_days = 30
}

# A pause before or after other resources.
resource "time_sleep" "settle" {
  create_duration = "30s"
  triggers = {
    droplet = digitalocean_droplet.web.id
  }
}

# The time when it was created.
# Import: 2026-01-05T09:00:00Z
resource "time_static" "start" {
}

# A request for a certificate.
resource "tls_cert_request" "api" {
  private_key_pem = tls_private_key.web.private_key_pem
  dns_names       = ["api.example.com"]
  subject {
    common_name = "api.example.com"
  }
}

# A certificate that an authority of yours signs.
resource "tls_locally_signed_cert" "api" {
  cert_request_pem      = tls_cert_request.api.cert_request_pem
  ca_private_key_pem    = tls_private_key.web.private_key_pem
  ca_cert_pem           = tls_self_signed_cert.authority.cert_pem
  validity_period_hours = 720
  allowed_uses          = ["server_auth"]
}

# A private key.
resource "tls_private_key" "web" {
  algorithm   = "ECDSA"
  ecdsa_curve = "P384"
}

# A certificate that is signed by its own key.
resource "tls_self_signed_cert" "authority" {
  private_key_pem       = tls_private_key.web.private_key_pem
  validity_period_hours = 8760
  is_ca_certificate     = true
  allowed_uses          = ["cert_signing"]
  subject {
    common_name = "Example authority"
  }
}

# The files of a cloud-init configuration in one text.
data "cloudinit_config" "web" {
  gzip          = false
  base64_encode = false
  part {
    content_type = "text/cloud-config"
    content      = "packages: [nginx]"
  }
}

# The same, by the name of an older provider.
data "template_cloudinit_config" "web" {
  gzip          = false
  base64_encode = false
  part {
    content_type = "text/x-shellscript"
    content      = "#!/bin/sh\napt-get install -y nginx\n"
  }
}

# What a program of yours prints: a JSON object of texts. It needs `-allow-provisioners`.
data "external" "team" {
  program = ["echo", "{\"team\":\"web\"}"]
}

# The answer of a web server.
data "http" "my_address" {
  url = "https://api.ipify.org"
}

# A file on this machine.
data "local_file" "hosts" {
  filename   = local_file.hosts.filename
  depends_on = [local_file.hosts]
}

# A file on this machine whose content is not shown.
data "local_sensitive_file" "key" {
  filename   = local_sensitive_file.key.filename
  depends_on = [local_sensitive_file.key]
}

# The values that it is given.
data "null_data_source" "names" {
  inputs = {
    web = "web.example.com"
  }
}

# A text with values put in.
data "template_file" "motd" {
  template = "Welcome to $${name}"
  vars = {
    name = "web"
  }
}

# The public key of a private one.
data "tls_public_key" "web" {
  private_key_pem = tls_private_key.web.private_key_pem
}
