/** What actions/attest-build-provenance writes: an in-toto statement with a provenance of SLSA 1. */
export function statementOf({
  subjects,
  address,
  commit,
}: {
  subjects: { name: string; digest: { sha256: string } }[];
  address: string;
  commit: string;
}): object {
  const workflow = { ref: "refs/heads/main", repository: address, path: ".github/workflows/release.yml" };
  return {
    _type: "https://in-toto.io/Statement/v1",
    subject: subjects,
    predicateType: "https://slsa.dev/provenance/v1",
    predicate: {
      buildDefinition: {
        buildType: "https://actions.github.io/buildtypes/workflow/v1",
        externalParameters: { workflow },
        internalParameters: { github: { event_name: "workflow_dispatch", runner_environment: "github-hosted" } },
        resolvedDependencies: [{ uri: `git+${address}@refs/heads/main`, digest: { gitCommit: commit } }],
      },
      runDetails: {
        builder: { id: `${address}/.github/workflows/release.yml@refs/heads/main` },
        metadata: { invocationId: `${address}/actions/runs/4711/attempts/1` },
      },
    },
  };
}
