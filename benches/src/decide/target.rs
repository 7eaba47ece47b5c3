//! Which API is measured: one on this machine, and no other.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use reqwest::Url;

use ceteris_terminal::bad_input;

const PORT_DEFAULT: u16 = 80;

pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    authorization: String,
}

impl Target {
    /// The one that this process serves.
    pub(crate) fn local(address: SocketAddr) -> Target {
        Target {
            address,
            authorization: String::new(),
        }
    }

    /// The one that the user named. A load of thousands a second is no thing to send to another machine.
    pub(crate) fn read(url: &str, key: Option<&str>) -> anyhow::Result<Target> {
        let parsed = Url::parse(url)
            .map_err(|error| bad_input(format!("--url {url}: {error}; give http://127.0.0.1:8080")))?;
        if parsed.scheme() != "http" {
            return Err(bad_input(format!(
                "--url {url}: only http:// is measured; give http://127.0.0.1:8080"
            )));
        }
        let host = parsed.host_str().unwrap_or_default();
        let ip = match host {
            "localhost" => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            host => host.trim_matches(['[', ']']).parse::<IpAddr>().ok(),
        };
        let Some(ip) = ip.filter(IpAddr::is_loopback) else {
            return Err(bad_input(format!(
                "--url {url}: {host} is no loopback address, and only this machine is loaded; run the bench where the API \
                 listens on 127.0.0.1"
            )));
        };
        let authorization = match key {
            Some(key) if key.bytes().all(|byte| byte.is_ascii_graphic()) => {
                format!("authorization: Bearer {key}\r\n")
            }
            Some(_) => return Err(bad_input("--key: an API key has visible ASCII characters only")),
            None => String::new(),
        };
        Ok(Target {
            address: SocketAddr::new(ip, parsed.port().unwrap_or(PORT_DEFAULT)),
            authorization,
        })
    }

    /// A whole request with this body.
    pub(crate) fn request(&self, body: &[u8]) -> Vec<u8> {
        let head = format!(
            "POST /v1/decide HTTP/1.1\r\nhost: {}\r\n{}content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            self.address,
            self.authorization,
            body.len()
        );
        [head.as_bytes(), body].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_loaded() {
        for url in [
            "http://127.0.0.1:8080",
            "http://localhost:8080/x",
            "http://[::1]:8080",
        ] {
            let target = Target::read(url, None).expect(url);
            assert_eq!(target.address.port(), 8080);
            assert!(target.address.ip().is_loopback());
        }
        for (url, word) in [
            ("http://10.0.0.4:8080", "10.0.0.4 is no loopback address"),
            ("http://api.example.org", "no loopback address"),
            ("http://0.0.0.0:80", "no loopback address"),
            ("https://127.0.0.1", "only http://"),
            ("127.0.0.1:8080", "--url"),
        ] {
            let error = Target::read(url, None).err().expect(url).to_string();
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn a_key_goes_along_and_cannot_smuggle_a_header() {
        let target = Target::read("http://127.0.0.1:1", Some("a-secret")).expect("a good URL");
        let request = String::from_utf8(target.request(b"{}")).expect("text");
        assert!(request.contains("\r\nauthorization: Bearer a-secret\r\n"));
        assert!(request.ends_with("content-length: 2\r\n\r\n{}"));
        assert!(Target::read("http://127.0.0.1:1", Some("a\r\nb: c")).is_err());
    }
}
