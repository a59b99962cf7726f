//! Apps for the matrix: the block that says what one is made of, small and whole.

pub(super) const APP_SMALL: &str = r#"{
    name = "shop"
    service {
      name = "web"
      git {
        repo_clone_url = "https://github.com/digitalocean/sample-golang.git"
        branch         = "main"
      }
    }
  }"#;
pub(super) const APP_OTHER: &str = r#"{
    name   = "old"
    region = "fra"
    service {
      name           = "web"
      instance_count = 1
      http_port      = 3000
      git {
        repo_clone_url = "https://github.com/digitalocean/sample-golang.git"
      }
      env {
        key   = "MODE"
        value = "test"
      }
    }
  }"#;
pub(super) const APP: &str = r#"{
    name   = "shop"
    region = "fra"
    service {
      name               = "web"
      instance_count     = 2
      instance_size_slug = "apps-s-1vcpu-1gb"
      http_port          = "8080"
      github {
        repo           = "example/shop"
        branch         = "main"
        deploy_on_push = true
      }
      env {
        key   = "MODE"
        value = "production"
        scope = "RUN_TIME"
        type  = "GENERAL"
      }
      env {
        key   = "A"
        value = 1
      }
      health_check {
        http_path = "/health"
      }
    }
    worker {
      name = "queue"
      image {
        registry_type = "DOCKER_HUB"
        registry      = "library"
        repository    = "redis"
      }
    }
  }"#;
pub(super) const APP_RESPELT: &str = r#"{
    name = "shop"
    service {
      name = "web"
      image {
        registry_type = "DOCR"
        repository    = "web"
        deploy_on_push {
          enabled = true
        }
      }
      env {
        key   = "MODE"
        value = "production"
        type  = "GENERAL"
      }
      env {
        key   = "MODE2"
        value = "production"
        scope = "RUN_AND_BUILD_TIME"
      }
    }
    ingress {
      rule {
        component {
          name = "web"
        }
        match {
          path {
            prefix = "/"
          }
        }
      }
    }
  }"#;
pub(super) const APP_ROUTED: &str = r#"{
    name    = "shop"
    domains = ["shop.example.com", "www.example.com"]
    service {
      name = "web"
      git {
        repo_clone_url = "https://github.com/digitalocean/sample-golang.git"
      }
      routes {
        path = "/"
      }
    }
  }"#;
pub(super) const APP_SECRET: &str = r#"{
    name = "shop"
    env {
      key   = "KEY"
      value = "hidden77"
      type  = "SECRET"
    }
    service {
      name = "web"
      image {
        registry_type        = "GHCR"
        registry             = "example"
        repository           = "web"
        registry_credentials = "user:hidden78"
      }
      env {
        key   = "TOKEN"
        value = "hidden79"
        type  = "SECRET"
      }
      env {
        key   = "OPEN"
        value = "yes"
      }
      log_destination {
        name = "logs"
        datadog {
          api_key = "hidden80"
        }
      }
    }
  }"#;
pub(super) const APP_SECRET_OTHER: &str = r#"{
    name = "shop"
    env {
      key   = "KEY"
      value = "hidden77"
      type  = "SECRET"
    }
    service {
      name = "web"
      image {
        registry_type        = "GHCR"
        registry             = "example"
        repository           = "web"
        registry_credentials = "user:hidden78"
      }
      env {
        key   = "TOKEN"
        value = "hidden99"
        type  = "SECRET"
      }
      env {
        key   = "OPEN"
        value = "yes"
      }
      log_destination {
        name = "logs"
        datadog {
          api_key = "hidden80"
        }
      }
    }
  }"#;
pub(super) const APP_WHOLE: &str = r#"{
    name                      = "shop"
    region                    = "fra"
    features                  = ["buildpack-stack=ubuntu-22"]
    disable_edge_cache        = true
    disable_email_obfuscation = true
    domain {
      name = "shop.example.com"
      type = "PRIMARY"
      zone = "example.com"
    }
    alert {
      rule = "DEPLOYMENT_FAILED"
    }
    alert {
      rule     = "DOMAIN_LIVE"
      disabled = true
    }
    egress {
      type = "DEDICATED_IP"
    }
    maintenance {
      enabled = true
    }
    database {
      name       = "db"
      engine     = "PG"
      production = false
    }
    service {
      name              = "api"
      environment_slug  = "go"
      source_dir        = "api"
      dockerfile_path   = "Dockerfile"
      build_command     = "make"
      run_command       = "bin/api"
      internal_ports    = [9090, 8081]
      gitlab {
        repo   = "example/shop"
        branch = "main"
      }
      cors {
        allow_origins {
          exact = "https://example.com"
        }
        allow_methods     = ["PUT", "GET"]
        allow_headers     = ["X-A"]
        expose_headers    = ["X-B"]
        max_age           = "5h30m"
        allow_credentials = true
      }
      health_check {
        http_path             = "/health"
        port                  = 9090
        initial_delay_seconds = 5
        period_seconds        = 10
        timeout_seconds       = 2
        success_threshold     = 1
        failure_threshold     = 3
      }
      liveness_health_check {
        http_path = "/live"
      }
      termination {
        grace_period_seconds = 30
        drain_seconds        = 10
      }
      autoscaling {
        min_instance_count = 1
        max_instance_count = 3
        metrics {
          cpu {
            percent = 70
          }
        }
      }
      alert {
        rule     = "CPU_UTILIZATION"
        value    = 75
        operator = "GREATER_THAN"
        window   = "TEN_MINUTES"
      }
      log_destination {
        name = "paper"
        papertrail {
          endpoint = "syslog+tls://example.com:514"
        }
      }
      log_destination {
        name = "search"
        open_search {
          endpoint   = "https://logs.example.com:9200"
          index_name = "shop"
          basic_auth {
            user     = "shop"
            password = "hidden81"
          }
        }
      }
    }
    static_site {
      name              = "site"
      build_command     = "npm run build"
      output_dir        = "dist"
      index_document    = "index.html"
      error_document    = "404.html"
      catchall_document = "index.html"
      bitbucket {
        repo   = "example/site"
        branch = "main"
      }
    }
    job {
      name        = "migrate"
      kind        = "PRE_DEPLOY"
      run_command = "bin/migrate"
      git {
        repo_clone_url = "https://github.com/digitalocean/sample-golang.git"
        branch         = "main"
      }
      log_destination {
        name = "tail"
        logtail {
          token = "hidden82"
        }
      }
    }
    function {
      name       = "fn"
      source_dir = "fn"
      github {
        repo   = "example/fn"
        branch = "main"
      }
    }
    ingress {
      rule {
        component {
          name                 = "api"
          preserve_path_prefix = true
        }
        match {
          path {
            prefix = "/api"
          }
        }
        cors {
          allow_origins {
            regex = "https://.*"
          }
        }
      }
      rule {
        component {
          name    = "fn"
          rewrite = "/run"
        }
        match {
          path {
            prefix = "/fn"
          }
          authority {
            exact = "shop.example.com"
          }
        }
      }
      rule {
        redirect {
          uri           = "/new"
          authority     = "example.org"
          port          = 443
          scheme        = "https"
          redirect_code = 301
        }
        match {
          path {
            prefix = "/old"
          }
        }
      }
    }
  }"#;
