#!/usr/bin/env bash
# Builds the image, tests it, pushes it under a tag that never changes, and then makes it the image of new agents.
# CodeBuild runs this script in the folder of the Dockerfile. Environment, in addition to the AWS CLI's variables:
#   IMAGE_VERSIONS    repository that keeps every image
#   IMAGE_CURRENT     repository and tag of the image that new agents run
#   BASE_IMAGE PACKAGES AGENT_VERSION AGENT_SHA256_X64 AGENT_SHA256_ARM64
#                     arguments of the Dockerfile; unset: its defaults
# Writes the reference of the pushed image to image.txt.
set -euo pipefail

# log_in HOST: signs in to an ECR registry, whose name has its region after dkr.ecr, dkr.ecr-fips, dkr-ecr or dkr-ecr-fips
log_in() {
  local region=${1#*.dkr[.-]ecr*.}
  aws ecr get-login-password --region "${region%%.*}" | docker login --username AWS --password-stdin "$1"
}

arguments=()
for name in BASE_IMAGE PACKAGES AGENT_VERSION AGENT_SHA256_X64 AGENT_SHA256_ARM64; do
  if [ -n "${!name:-}" ]; then arguments+=(--build-arg "$name=${!name}"); fi
done

registry=${IMAGE_VERSIONS%%/*}
log_in "$registry"
# The base image may be in another ECR registry.
case ${BASE_IMAGE:-} in
  "$registry"/*) ;;
  [0-9]*.dkr[.-]ecr.*/* | [0-9]*.dkr[.-]ecr-fips.*/*) log_in "${BASE_IMAGE%%/*}" ;;
esac
# Without the cache, because a cached layer would hold old packages.
DOCKER_BUILDKIT=1 docker build --pull --no-cache "${arguments[@]}" --tag agent .

version=$(docker image inspect --format '{{ index .Config.Labels "org.opencontainers.image.version" }}' agent)
# The agent starts only if all its libraries are installed.
answer=$(docker run --rm --network none --entrypoint /azp/bin/Agent.Listener agent --version)
if ! grep --quiet --line-regexp --fixed-strings -e "$version" <<<"$answer"; then
  echo "the agent in the image answers '$answer' instead of its version, '$version'" >&2
  exit 1
fi

image=$IMAGE_VERSIONS:$version-$(date --utc +%Y%m%dT%H%M%SZ)
docker tag agent "$image"
docker push "$image"
docker tag agent "$IMAGE_CURRENT"
docker push "$IMAGE_CURRENT"
printf '%s' "$image" >image.txt
echo "new agents run $image"
