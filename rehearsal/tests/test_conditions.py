"""Travis's conditions as its documentation and its own program, travis-conditions, take them."""

import pytest

from rehearsal.conditions import Unknown, holds

BUILD = {"branch": "main", "type": "push", "fork": "false"}
ENV = {"region": "here", "dry": "false"}


@pytest.mark.parametrize(
    "condition",
    [
        "true",
        "0",
        '""',
        "branch = main",
        "branch = 'main'",
        "BRANCH = main",
        "branch != other",
        "other = other",
        "branch == main",
        "branch =~ ^ma",
        "branch ~= ^ma",
        "branch !~ ^other",
        "(branch =~ ^ma)",
        "branch =~ /^(main|v1 \\d)$/ AND type = push",
        "env(region) =~ env(region)",
        'env(region) =~ concat("^", env(region), "$")',
        "concat(branch, -, env(region)) = main-here",
        "branch in (other, main)",
        "branch NOT IN (other)",
        "tag IS blank",
        "tag IS NOT present",
        "env(dry) IS blank",
        "fork IS false",
        "NOT branch = other AND (type = api OR type = push)",
        "type = push OR type = push AND branch = other",
        "type = push || type = api && branch = other",
    ],
)
def test_a_condition_holds(condition: str) -> None:
    assert holds(condition, BUILD, ENV)


@pytest.mark.parametrize(
    "condition",
    [
        "false",
        "FALSE",
        "tag",
        "branch = other",
        "branch != main",
        "branch =~ ^other",
        "branch =~ /^x AND type = push/",
        "env(region) = there",
        "env(nothing) IS present",
        "branch IN (other, another)",
        "branch NOT IN (main)",
        "branch IS blank",
        "NOT type = push",
        "(type = push OR type = push) AND branch = other",
        "type = api OR type = push AND tag IS present",
    ],
)
def test_a_condition_does_not_hold(condition: str) -> None:
    assert not holds(condition, BUILD, ENV)


@pytest.mark.parametrize(
    "condition",
    [
        "",
        "branch =",
        "branch = main type = push",
        "branch IS new",
        "(branch = main",
        "today() = monday",
        "branch IN main",
    ],
)
def test_what_is_not_known_is_refused_and_never_guessed(condition: str) -> None:
    with pytest.raises(Unknown):
        holds(condition, BUILD, ENV)


# Of the cases that travis-ci/travis-conditions publishes in spec/v1/fixtures (MIT licence, Travis CI GmbH): conditions of its users.
PUBLISHED = r"""
( (type = pull_request AND branch != master) ) OR ( (branch = master) AND (tag IS present) )
( NOT type = pull_request ) AND ( branch = master OR branch =~ ^[0-9]\.[0-9]$ )
( branch = master OR branch =~ ^release-(\d).(\d).(\d)$ )
( branch = master OR branch ~= ^[0-9]\.[0-9]$ )
(((type != pull_request) AND (branch = master)) OR (tag =~ ^\d+\.\d+\.\d+$))
((NOT branch =~ ^develop/.*$) OR (branch = develop/travis)) AND (tag IS blank)
((branch = master AND type IN (push, pull_request)) OR branch = Docs)
((branch = master) AND (type IN (push)))
((repo = percona/percona-server) AND (type = push)) OR ( branch =~ extraci )
((sender != 'Travis CI User') AND (branch = travisdeploy))
((type = pull_request) and (branch =~ ^greenkeeper\/.*-.*$))
(NOT (branch = master)) AND (type IN (push, pull-request))
(NOT (env(FRONTEND_FILES_CHANGED) = "" AND env(ANY_SERVICES_FILES_CHANGED) = "")) AND NOT (branch IN (master, dev))
(NOT (tag ~= ^v[0-9]))
(NOT fork) AND (type NOT IN (pull_request))
(NOT type = pull_request) AND (branch = master OR tag =~ env(SEMVER_REGEX))
(NOT type IN (pull_request) OR (type in (pull_request) AND (head_branch == not_a_real_branch)))
(branch = deploy) AND ((env(TRAVIS_PULL_REQUEST) = false) OR (env(TRAVIS_PULL_REQUEST) IS blank))
(branch = deploy) AND NOT(type = pull_request)
(branch = develop) AND (NOT pull_request)
(branch = development) OR (branch =~ ^release/) OR (tag is present)
(branch = master AND NOT type = pull_request) OR env(TRAVIS_TAG) IS NOT blank
(branch = master AND NOT type = pull_request) OR tag =~ ^v?([0-9]*)\.([0-9]*)\.([0-9]*)$
(branch = master AND type = push) OR type in ( pull_request, cron, api )
(branch = master AND type = push) or (head_branch = "feature/PLEO-2026/weights-and-scores")
(branch = master) AND (NOT (tag =~prod_))
(branch = master) AND (NOT(type IN (push ,pull_request)))
(branch = master) AND (NOT(type IN (push,pull_request)))
(branch = master) AND (pull_request IS false)
(branch in (staging,travisk8s) AND type = push)
(branch = stable) and (not type in (pull_request, cron))
(env(TRAVIS_TAG) IS present) AND (NOT (tag =~ \btest\b))
(env(FRONTEND_FILES_CHANGED) != "" OR env(ANY_SERVICES_FILES_CHANGED) != "") AND (NOT branch IN(master, alpha, staging, prod))
(fork IN (false)) AND (NOT (type IN (pull_request)))
(repo != conda-forge/staged-recipes) OR (type IN (pull_request))
(tag =~ ^v) AND (branch = master) AND (fork = false) AND (repo = holvonix-open/js-kitchen-sync)
"""
PUBLISHED_FAILURES = r"""
$COVERALLS_REPO_TOKEN != '' AND branch =~ ^v[0-9]+\.x\.x$ AND repo = 'sociomantic-tsunami/libdrizzle-redux' AND
$TRAVIS_COMMIT_MESSAGE =~ ^(\[tests skip\])
$TRAVIS_PULL_REQUEST NOT false
${tag,,} =~ beta
($TRAVIS_BRANCH = master AND NOT env(RELEASE_ENVIRONMENT) IS present)
(branch = master) AND NOT (type = pull_request) - k8s/deploy/deploy_to_cluster.sh ${TRAVIS_BUILD_NUMBER} data-eng-apps.k8s.local
-z "$TRAVIS_TAG"
-z '${SLACK_CHANNEL}'
branch != $SMOKE_BRANCH
branch =~ ^master AND ["$TRAVIS_PULL_REQUEST" = "false"]
env($TAG_ENABLE)=True
env($TRAVIS_TAG) =
tag IS present AND tag =~ ^v[0-9]+\.[0-9]+\.[0-9]+ AND
test $BUILD_DPDK = 0 AND type != pull_request
((( branch = master OR branch =~ ^rough.$ ) AND ( repo = lifeonairteam/stella ))
((branch = travis-try) AND (tag IS present)
((sender != Travis CI User) AND (branch = travisdeploy))
(branch NOT IN (staging, develop, master)) AND (tag ~= ^(web|vice))
(branch = master) OR (tag =~ ^\d+\.\d+\.\d+$))
(branch = dev) AND (type IS cron)
(branch = master) AND (type NOT pull_request)
(branch = master) OR (branch =~ release/.*) tag IS present
(fork IS (false)) AND (NOT (type IN (pull_request)))
NOT type IS pull_request
branch IS master AND tag = Rebuild ios
env(PRIOR_VERSION) IS "1.00"
type NOT IS pull_request
env(SERVICE) NOT "lint"
head_branch NOT present
AND repo = camptocamp/c2cgeoportal
OR branch = auto
branch = fix/stage-builds type = push AND tag IS present
branch IN (dev, acc, stage, prod) AND
branch NOT (IN (master, alpha, staging, prod))
branch = type IN (pull_request)
is deploy tag
type branch IN(master)
branch = master, /^(?i:epic)/major.*$/, /^(?i:epic)/feature.*$/, /^(?i:epic)/bugfix.*$/
type = tag IS present
type = (api OR push) AND branch = master
(type = (pull_request)) OR NOT (repo = isuruf/staged-recipes)
env.global(TAG_BRANCH) = build-with-stages AND tag IS present
env.matrix(TEST_TYPE) IN (small, medium, large)
(type IN pull_request) OR ((type IN push) AND branch != develop)
branch = master AND type NON IN (pull_request)
type IN push
type NOT IN cron
type IN (push pull_request)
env(TRAVIS_COMMIT_MESSAGE) IN (Replace Conditional)
env(TRAVIS_COMMIT_MESSAGE) = Replace a
env(TRAVIS_COMMIT_MESSAGE) =~ ^((?!\[tests skip\]).)*$
branch =~ (^release$ OR ^release-(\d).(\d).(\d)$)
branch =~ (^release.*)|(^master)
branch =~ ^(staging_|master)
NOT env(TRAVIS_COMMIT_MESSAGE) =~ "no docs"
tag =! ^v
tag !=~ "-fdroid$"
branch = master or branch !=~ ^renovate/
branch = ^(master)$
type = (pull_request)
branch = development OR type pull_request
type = pull_request OR env(PRE_COMMIT_MESSAGE)# =~ build-web
tag IS exist
tag IS presents
env(PRIOR_VERSION) != "1.00
repo = 'sociomantic-tsunami/libdrizzle-redux' AND branch = =~ ^v[0-9]+\.x\.x$
"""


@pytest.mark.parametrize("condition", PUBLISHED.strip().splitlines())
def test_a_published_condition_is_read(condition: str) -> None:
    assert holds(condition, BUILD, {"SEMVER_REGEX": "^v"}) in (True, False)


@pytest.mark.parametrize("condition", PUBLISHED_FAILURES.strip().splitlines())
def test_a_published_mistake_is_refused(condition: str) -> None:
    with pytest.raises(Unknown):
        holds(condition, BUILD, ENV)
