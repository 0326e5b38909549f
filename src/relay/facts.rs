//! What the relay adds to the resource of everything it delivers: run, repository, branch, CI job.

use super::repository::Repository;
use crate::redact::Enrichment;

/// The attributes of a run, by their names in the OpenTelemetry semantic conventions (VCS and CICD registries).
pub fn enrichment(
    run_id: &str,
    policy_hash: Option<&str>,
    repository: Option<&Repository>,
    ci: &[(String, String)],
) -> Enrichment {
    let mut pairs =
        vec![("cc_observe.run_id", run_id.to_owned()), ("cc_observe.version", env!("CARGO_PKG_VERSION").to_owned())];
    pairs.extend(policy_hash.map(|hash| ("cc_observe.policy_hash", hash.to_owned())));
    if let Some(repository) = repository {
        let mut add = |key, value: Option<&str>| pairs.extend(value.map(|value| (key, value.to_owned())));
        add("vcs.repository.url.full", repository.url.as_deref());
        add("vcs.owner.name", repository.owner.as_deref());
        add("vcs.repository.name", repository.name.as_deref());
        add("vcs.provider.name", repository.provider);
        add("vcs.ref.head.name", repository.branch.as_deref());
        add("vcs.ref.head.type", repository.branch.as_ref().map(|_| "branch"));
    }
    pairs.extend(job(ci));
    Enrichment::new(pairs)
}

/// The job that runs us, from the variables that its system documents.
fn job(ci: &[(String, String)]) -> Vec<(&'static str, String)> {
    let get = |name: &str| ci.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    let on = |name: &str| get(name).is_some_and(|value| !value.is_empty());
    let (provider, names) = if on("GITHUB_ACTIONS") {
        ("github_actions", ["GITHUB_WORKFLOW", "GITHUB_RUN_ID", "GITHUB_JOB", ""])
    } else if on("GITLAB_CI") {
        ("gitlab_ci", ["CI_PIPELINE_NAME", "CI_PIPELINE_ID", "CI_JOB_NAME", "CI_PIPELINE_URL"])
    } else if on("BUILDKITE") {
        ("buildkite", ["BUILDKITE_PIPELINE_SLUG", "BUILDKITE_BUILD_ID", "BUILDKITE_LABEL", "BUILDKITE_BUILD_URL"])
    } else if on("CIRCLECI") {
        ("circleci", ["", "CIRCLE_WORKFLOW_ID", "CIRCLE_JOB", "CIRCLE_BUILD_URL"])
    } else if on("JENKINS_URL") {
        ("jenkins", ["JOB_NAME", "BUILD_ID", "", "BUILD_URL"])
    } else {
        return Vec::new();
    };
    let keys = ["cicd.pipeline.name", "cicd.pipeline.run.id", "cicd.pipeline.task.name", "cicd.pipeline.run.url.full"];
    let mut pairs = vec![("cicd.provider.name", provider.to_owned())];
    pairs.extend(keys.into_iter().zip(names).filter_map(|(key, name)| Some((key, get(name)?))));
    if provider == "github_actions"
        && let (Some(server), Some(repository), Some(run)) =
            (get("GITHUB_SERVER_URL"), get("GITHUB_REPOSITORY"), get("GITHUB_RUN_ID"))
    {
        pairs.push(("cicd.pipeline.run.url.full", format!("{server}/{repository}/actions/runs/{run}")));
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_github_job_is_told_with_its_address() {
        let ci = [
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_WORKFLOW", "build"),
            ("GITHUB_RUN_ID", "77"),
            ("GITHUB_JOB", "test"),
            ("GITHUB_REPOSITORY", "acme/widgets"),
            ("GITHUB_SERVER_URL", "https://github.com"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let run_id = "57f101bd-7ec1-429a-80dc-2b2b68d0038a";
        let enrichment = enrichment(run_id, None, None, &ci);
        assert_eq!(enrichment.get("cicd.pipeline.task.name"), Some("test"));
        assert_eq!(
            enrichment.get("cicd.pipeline.run.url.full"),
            Some("https://github.com/acme/widgets/actions/runs/77")
        );
        assert_eq!(enrichment.get("cc_observe.run_id"), Some(run_id));
    }
}
