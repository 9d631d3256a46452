# Settings of Azure Pipelines' agent for a proxy, before agents/containers/outbound.sh. POSIX sh. The agent takes the
# proxy's parts from these variables, masks the password in logs, and uses no_proxy. The agent publishes its variables as
# capabilities, which everyone who sees the pool can read, except those that are listed here.
# Source: AgentKnobs.cs and ProxyConfiguration of https://github.com/microsoft/azure-pipelines-agent, and
# https://learn.microsoft.com/azure/devops/pipelines/agents/proxy.
if [ -n "${AGENT_FLEETS_PROXY_URL:-}" ]; then
  export VSTS_HTTP_PROXY="$AGENT_FLEETS_PROXY_URL"
  if [ -n "${AGENT_FLEETS_PROXY_CREDENTIALS:-}" ]; then
    export VSTS_HTTP_PROXY_USERNAME="${AGENT_FLEETS_PROXY_CREDENTIALS%%:*}"
    VSTS_HTTP_PROXY_PASSWORD=$(printf '%s' "${AGENT_FLEETS_PROXY_CREDENTIALS#*:}")
    export VSTS_HTTP_PROXY_PASSWORD
  fi
fi
VSO_AGENT_IGNORE=${VSO_AGENT_IGNORE:+$VSO_AGENT_IGNORE,}HTTP_PROXY,HTTPS_PROXY,NO_PROXY,http_proxy,https_proxy,no_proxy
VSO_AGENT_IGNORE=$VSO_AGENT_IGNORE,VSTS_HTTP_PROXY,VSTS_HTTP_PROXY_USERNAME,VSTS_HTTP_PROXY_PASSWORD
VSO_AGENT_IGNORE=$VSO_AGENT_IGNORE,SSL_CERT_FILE,CURL_CA_BUNDLE,GIT_SSL_CAINFO,REQUESTS_CA_BUNDLE,AWS_CA_BUNDLE
export VSO_AGENT_IGNORE="$VSO_AGENT_IGNORE,NODE_EXTRA_CA_CERTS"
