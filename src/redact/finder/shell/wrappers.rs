//! Programs that run another program: where in their arguments it begins.

use std::sync::LazyLock;

use super::arguments::{Subcommand, assignment};
use super::naming::Table;

/// A program that runs another one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wrapper {
    names: &'static str,
    /// The subcommand that runs something; empty: it always does.
    sub: &'static str,
    /// Options that take the next word.
    valued: &'static str,
    /// How many arguments stand in front of the command.
    skip: usize,
}

const fn wrapper(names: &'static str, sub: &'static str, valued: &'static str, skip: usize) -> Wrapper {
    Wrapper { names, sub, valued, skip }
}

/// Options of `docker run` that take the next word.
const RUN: &str = "-e --env -p --publish -v --volume --mount --name --network --net -w --workdir -u --user -h --hostname -l --label --env-file --entrypoint --platform -m --memory --cpus --restart --add-host --device --gpus --shm-size --cap-add --cap-drop --ulimit --link --pull --ip --dns --log-driver --log-opt --tmpfs --security-opt --pid --ipc --userns --cpuset-cpus --cidfile --detach-keys --index --runtime --expose --health-cmd -c --context -H --host --config --log-level";
/// Options of `kubectl exec` and `kubectl run` that take the next word.
const KUBE: &str = "-n --namespace -c --container --context --kubeconfig --cluster --image --env -l --labels -f --filename --pod-running-timeout --as --user -s --server --restart";

const WRAPPERS: &[Wrapper] = &[
    wrapper(
        "sudo",
        "",
        "-u -g -h -p -C -c -D -R -r -t -T -U --user --group --host --prompt --chdir --chroot --role --type --other-user",
        0,
    ),
    wrapper("doas", "", "-u -C", 0),
    wrapper("env", "", "-u -C -S --unset --chdir --split-string", 0),
    wrapper(
        "command exec nohup time setsid builtin noglob nocorrect then else do if while until ! { } elif setpriv caffeinate faketime dbus-run-session xvfb-run unbuffer stdbuf ltrace valgrind rlwrap winpty script catchsegv fakeroot proot gosu su-exec tini dumb-init s6-setuidgid chpst coproc eatmydata numactl nvprof perf",
        "",
        "-a -f -o --format --output -i -e --input --error -s -n -S",
        0,
    ),
    wrapper("timeout gtimeout", "", "-s -k --signal --kill-after", 1),
    wrapper(
        "gosu su-exec s6-setuidgid chroot taskset flock setarch faketime unshare nsenter",
        "",
        "-t --target -w --timeout -E --userspec --groups -S -G",
        1,
    ),
    wrapper("nice ionice chrt", "", "-n -c -p --adjustment --class --classdata", 0),
    wrapper("watch", "", "-n --interval", 0),
    wrapper("python python2 python3 py perl ruby node pwsh powershell", "", "-c -W -X -e -r -I", 0),
    wrapper("strace", "", "-e -o -p -s -u -E -P -a", 0),
    wrapper(
        "xargs parallel",
        "",
        "-I -n -P -L -d -a -E -s -j -S --max-args --max-procs --replace --jobs --delimiter --arg-file",
        0,
    ),
    wrapper("sshpass", "", "-p -f -d -P", 0),
    wrapper("ssh autossh mosh tsh", "", "-p -i -l -o -L -R -D -F -J -b -c -E -e -I -m -M -O -Q -S -W -w -B", 1),
    wrapper("docker podman nerdctl", "exec|container exec|compose exec|compose run|run|container run", RUN, 1),
    wrapper("docker-compose podman-compose", "exec|run", RUN, 1),
    wrapper("kubectl k oc", "exec|run|debug", KUBE, 1),
    wrapper("lxc incus", "exec", "", 1),
    wrapper("npx bunx uvx pnpx", "", "-p --package -c --call --python --from --with", 0),
    wrapper("npm pnpm yarn bun", "exec|x|dlx|run --", "-p --package", 0),
    wrapper(
        "poetry pipenv uv pdm rye hatch bundle conda mamba micromamba pixi",
        "run|exec",
        "-n --name -p --prefix --with --python --project --directory",
        0,
    ),
    wrapper(
        "op doppler infisical aws-vault chamber teller summon dotenv dotenvx envchain envconsul berglas phase akeyless granted assume saml2aws",
        "run|exec",
        "-p --project -c --config --env --env-file -f --path --env-from --profile --account --no-masking",
        0,
    ),
    wrapper("dotenv dotenvx summon direnv-exec", "", "-f -e --env-file -p", 0),
    wrapper("heroku", "run", "-a --app -s --size", 0),
    wrapper("vagrant", "ssh -c", "", 0),
    wrapper("cmd", "/c|/k|/C|/K", "", 0),
    wrapper("busybox toybox", "", "", 0),
    wrapper("git", "submodule foreach|bisect run", "", 0),
    wrapper("php", "artisan", "", 0),
];

/// A wrapper, taken apart.
struct Known {
    sub: Subcommand,
    valued: Vec<&'static str>,
    skip: usize,
}

/// The wrappers, and which of them each name means.
static PREPARED: LazyLock<(Vec<Known>, Table<Vec<usize>>)> = LazyLock::new(|| {
    let mut by_name: Table<Vec<usize>> = Table::default();
    let mut known = Vec::new();
    for (number, wrapper) in WRAPPERS.iter().enumerate() {
        for name in wrapper.names.split(' ') {
            by_name.entry(name).or_default().push(number);
        }
        let valued = wrapper.valued.split_ascii_whitespace().collect();
        known.push(Known { sub: Subcommand::new(wrapper.sub), valued, skip: wrapper.skip });
    }
    (known, by_name)
});

/// Whether a program of this name runs other programs.
pub(super) fn is_known(name: &str) -> bool {
    PREPARED.1.contains_key(name)
}

/// Where in the arguments of a program the command begins that it runs. None: it runs none.
pub(super) fn inner(name: &str, arguments: &[&str]) -> Option<usize> {
    let (known, by_name) = &*PREPARED;
    by_name.get(name)?.iter().filter_map(|number| known.get(*number)).find_map(|wrapper| wrapper.inner(arguments))
}

impl Known {
    fn inner(&self, arguments: &[&str]) -> Option<usize> {
        let mut at = self.sub.behind(arguments, &self.valued)?;
        let mut skip = self.skip;
        loop {
            let argument = arguments.get(at)?;
            if *argument == "--" {
                return Some(at + 1);
            }
            if argument.len() > 1 && argument.starts_with('-') {
                at += if self.valued.contains(argument) { 2 } else { 1 };
            } else if assignment(argument).is_some() {
                at += 1;
            } else if skip > 0 {
                skip -= 1;
                at += 1;
            } else {
                return Some(at);
            }
        }
    }
}
