# The way out of an agent in a container: proxy and certificate authorities. POSIX sh, in the process that becomes the
# agent. It sets no variables but those that it exports, so a user's variables keep their values. README.md lists the
# settings.

# outbound_fail TEXT: EX_CONFIG of sysexits.h.
outbound_fail() {
  printf 'agent-fleets: %s\n' "$1" >&2
  exit 78
}

# Prints the certificates of standard input alone, with plain line breaks: OpenSSL skips one after a byte-order mark, and
# a key beside them must not reach a file that jobs can read.
outbound_certificates() {
  tr -d '\r' | sed -n '/-----BEGIN CERTIFICATE-----/,/-----END CERTIFICATE-----/{
    s/^.*-----BEGIN CERTIFICATE/-----BEGIN CERTIFICATE/
    s/\(-----END CERTIFICATE-----\).*$/\1/
    p
  }'
}

# Prints the image's certificates and the user's.
outbound_bundle() (
  for file in "${SSL_CERT_FILE:-}" /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem; do
    if [ -r "$file" ]; then
      cat "$file" && break
    fi
  done
  printf '\n'
  printf '%s\n' "$AGENT_FLEETS_CA_CERTIFICATES" | outbound_certificates
)

# Prints standard input with each byte as %XX, for the user and password of a URL.
outbound_encode() { od -An -v -tx1 | tr -d ' \n' | sed 's/../%&/g'; }

# Prints the proxy's URL with the credentials. They are in no argument of a process.
outbound_proxy() (
  if [ -z "${AGENT_FLEETS_PROXY_CREDENTIALS:-}" ]; then
    printf '%s' "$AGENT_FLEETS_PROXY_URL"
    exit
  fi
  credentials=$(printf '%s' "$AGENT_FLEETS_PROXY_CREDENTIALS")
  printf '%s://' "${AGENT_FLEETS_PROXY_URL%%://*}"
  printf '%s' "${credentials%%:*}" | outbound_encode
  printf ':'
  printf '%s' "${credentials#*:}" | outbound_encode
  printf '@%s' "${AGENT_FLEETS_PROXY_URL#*://}"
)

if [ -n "${AGENT_FLEETS_CA_CERTIFICATES:-}" ]; then
  case $AGENT_FLEETS_CA_CERTIFICATES in
    *'-----BEGIN CERTIFICATE-----'*) ;;
    *) outbound_fail 'vendor.caCertificates hold no certificates in PEM form' ;;
  esac
  AGENT_FLEETS_CA_BUNDLE=${AGENT_FLEETS_CA_BUNDLE:-/tmp/agent-fleets-ca-bundle.pem}
  outbound_bundle >"$AGENT_FLEETS_CA_BUNDLE" || outbound_fail "the certificates cannot be written to $AGENT_FLEETS_CA_BUNDLE"
  export SSL_CERT_FILE="$AGENT_FLEETS_CA_BUNDLE" CURL_CA_BUNDLE="$AGENT_FLEETS_CA_BUNDLE" \
    GIT_SSL_CAINFO="$AGENT_FLEETS_CA_BUNDLE" REQUESTS_CA_BUNDLE="$AGENT_FLEETS_CA_BUNDLE" \
    AWS_CA_BUNDLE="$AGENT_FLEETS_CA_BUNDLE" NODE_EXTRA_CA_CERTS="$AGENT_FLEETS_CA_BUNDLE"
fi
if [ -n "${AGENT_FLEETS_PROXY_URL:-}" ]; then
  case ${AGENT_FLEETS_PROXY_CREDENTIALS-:} in *:*) ;; *) outbound_fail 'vendor.proxy.credentials must hold user:password' ;; esac
  HTTPS_PROXY=$(outbound_proxy)
  # Where ECS and EC2 offer credentials and metadata.
  NO_PROXY=${AGENT_FLEETS_NO_PROXY:+$AGENT_FLEETS_NO_PROXY,}169.254.170.2,169.254.170.23,169.254.169.254
  export HTTPS_PROXY NO_PROXY HTTP_PROXY="$HTTPS_PROXY" https_proxy="$HTTPS_PROXY" http_proxy="$HTTPS_PROXY" \
    no_proxy="$NO_PROXY"
fi
unset AGENT_FLEETS_CA_CERTIFICATES AGENT_FLEETS_CA_BUNDLE AGENT_FLEETS_PROXY_CREDENTIALS AGENT_FLEETS_PROXY_URL \
  AGENT_FLEETS_NO_PROXY
