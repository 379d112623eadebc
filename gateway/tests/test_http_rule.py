from typing import Any
from urllib.parse import quote

import pytest
from google.api import annotations_pb2, http_pb2
from google.api_core import path_template
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import MethodDescriptor
from hypothesis import given
from hypothesis import strategies as st

from gateway.tests.library_service import library
from gateway.transcoding._matching import Matcher
from gateway.transcoding._template import parse_template, percent_decode
from gateway.transcoding.http_rule import bindings


def method(rule: http_pb2.HttpRule, streaming: bool = False) -> MethodDescriptor:
    """An RPC with this annotation from GetBookRequest's twin to Book's."""
    file = descriptor_pb2.FileDescriptorProto(name="rule.proto", package="rule", syntax="proto3")
    request = file.message_type.add(name="Request")
    kinds = {"name": 9, "number": 5, "other": 9}
    for number, (name, kind) in enumerate(kinds.items(), 1):
        request.field.add(name=name, number=number, type=kind, label=1)  # type: ignore[arg-type]
    request.field.add(name="sub", number=8, type=11, label=1, type_name=".rule.Request")
    request.field.add(name="names", number=9, type=9, label=3)
    service = file.service.add(name="Rules")
    rpc = service.method.add(name="Try", input_type=".rule.Request", output_type=".rule.Request", client_streaming=streaming)
    rpc.options.Extensions[annotations_pb2.http].CopyFrom(rule)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return pool.FindServiceByName("rule.Rules").methods[0]


def match(template: str, path: str) -> dict[str, str] | None:
    """The decoded variables where the path matches."""
    parsed = parse_template(template)
    matcher: Matcher[str] = Matcher()
    matcher.add(parsed, "GET", "target")
    matched = matcher.match(path.encode(), "GET")
    if matched is None:
        return None
    values = {}
    for name, start, end in parsed.variables:
        values[name] = percent_decode("/".join(matched.segments[start:end]), keep_slash=end is None or end - start > 1)
    return values


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ({"get": "v1/x"}, "starts with /"),
        ({"get": ""}, "starts with /"),
        ({}, "no pattern"),
        ({"custom": {"kind": "", "path": "/x"}}, "no pattern"),
        ({"custom": {"kind": "A B", "path": "/x"}}, "no pattern"),
        ({"get": "/v1/"}, "empty"),
        ({"get": "/v1//x"}, "empty"),
        ({"get": "/v1/x:"}, "empty"),
        ({"get": "/:verb"}, "segment before"),
        ({"get": "/v1/{name"}, "braces"),
        ({"get": "/v1/name}"}, "braces"),
        ({"get": "/v1/{name={other}}"}, "braces"),
        ({"get": "/v1/{name}x"}, "segment of its own"),
        ({"get": "/v1/{name}{other}"}, "segment of its own"),
        ({"get": "/v1/a*b"}, "neither a literal"),
        ({"get": "/v1/***"}, "neither a literal"),
        ({"get": "/v1/a?b"}, "neither a literal"),
        ({"get": "/v1/a b"}, "neither a literal"),
        ({"get": "/v1/%zz"}, "hexadecimal"),
        ({"get": "/v1/%ff"}, "UTF-8"),
        ({"get": "/v1/**/x"}, "last"),
        ({"get": "/v1/{name=**}/x"}, "last"),
        ({"get": "/v1/{name=a/**/b}"}, "last"),
        ({"get": "/v1/{name=/a}"}, "empty"),
        ({"get": "/v1/{name=}"}, "empty"),
        ({"get": "/v1/{}"}, "field path"),
        ({"get": "/v1/{1name}"}, "field path"),
        ({"get": "/v1/{sub..name}"}, "field path"),
        ({"get": "/v1/{name}/{name}"}, "twice"),
        ({"get": "/v1/{missing}"}, "names no field"),
        ({"get": "/v1/{sub.missing}"}, "names no field"),
        ({"get": "/v1/{name.sub}"}, "names no field"),
        ({"get": "/v1/{sub}"}, "message"),
        ({"get": "/v1/{names}"}, "repeated"),
        ({"post": "/v1/x", "body": "missing"}, "body missing is no field"),
        ({"post": "/v1/x", "body": "sub.name"}, "body sub.name is no field"),
        ({"post": "/v1/{name}", "body": "name"}, "set by the path"),
        ({"get": "/v1/x", "response_body": "missing"}, "response_body missing is no field"),
        ({"get": "/v1/x", "additional_bindings": [{"get": "/v1/{missing}"}]}, "names no field"),
        ({"get": "/v1/x", "additional_bindings": [{"get": "/v1/y", "additional_bindings": [{"get": "/v1/z"}]}]}, "nested"),
    ],
)
def test_an_invalid_rule_is_refused_with_its_method_and_template(rule: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=r"rule\.Rules\.Try.*" + reason):
        bindings(method(http_pb2.HttpRule(**rule)))


def test_streaming_requests_are_refused() -> None:
    with pytest.raises(ValueError, match=r"rule\.Rules\.Try: '/x': .*streaming requests"):
        bindings(method(http_pb2.HttpRule(post="/x", body="*"), streaming=True))


def test_every_binding_of_a_method_is_there_and_none_of_one_without_annotation() -> None:
    methods = {each.name: bindings(each) for each in library().methods}
    assert [(each.http_method, each.template.text) for each in methods["CheckFile"]] == [
        ("OPTIONS", "/v1/checks/{path}"),
        ("*", "/v1/any/{path}"),
        ("GET", "/v1/any/file"),
        ("HEAD", "/v1/heads/{path}"),
    ]
    assert methods["Hidden"] == ()
    assert [each.http_method for each in methods["UpdateBook"]] == ["PATCH", "PUT"]
    assert methods["UpdateBook"][0].path_fields == {"book.name"}


@pytest.mark.parametrize(
    ("template", "path", "values"),
    [
        ("/", "/", {}),
        ("/", "//", None),
        ("/v1", "/v1", {}),
        ("/v1", "/v1/", None),
        ("/v1", "/V1", None),
        ("/v1/{a}", "/v1/x", {"a": "x"}),
        ("/v1/{a}", "/v1/", None),
        ("/v1/{a}", "/v1//", None),
        ("/v1/{a}", "/v1/x/", None),
        ("/v1/{a}", "/v1", None),
        ("/v1/{a}", "/v1/x%2Fy%25%C3%A9", {"a": "x/y%é"}),
        ("/v1/{a}", "/v1/x:y", {"a": "x:y"}),
        ("/v1/{a}", "/v1/a+b", {"a": "a+b"}),
        ("/v1/{a=x/*}", "/v1/x/y%2Fz%2fw%3A", {"a": "x/y%2Fz%2fw:"}),
        ("/v1/{a=x/*}", "/v1/%78/y", {"a": "x/y"}),
        ("/v1/{a=x}", "/v1/x", {"a": "x"}),
        ("/v1/{a=x}", "/v1/y", None),
        ("/v1/{a=**}", "/v1/x/y/z", {"a": "x/y/z"}),
        ("/v1/{a=**}", "/v1", {"a": ""}),
        ("/v1/{a=**}", "/v1/", {"a": ""}),
        ("/v1/{a=**}", "/v1/x//y/", {"a": "x//y/"}),
        ("/v1/{a=x/**}", "/v1/x", {"a": "x"}),
        ("/v1/{a=**}:go", "/v1/x/y:go", {"a": "x/y"}),
        ("/v1/{a=**}:go", "/v1/x:go/y", None),
        ("/**", "/", {}),
        ("/v1/{a}:go", "/v1/x:go", {"a": "x"}),
        ("/v1/{a}:go", "/v1/x:y:go", {"a": "x:y"}),
        ("/v1/{a}:go", "/v1/:go", None),
        ("/v1/{a}:go", "/v1/x", None),
        ("/v1/{a}:go", "/v1/x:stop", None),
        ("/v1/{a}:go", "/v1/x%3Ago", None),
        ("/v1/{a}:go", "/v1/x:g%6F", {"a": "x"}),
        ("/v1/x:go", "/v1/x:go", {}),
        ("/v1/x:go", "/v1/x", None),
        ("/v1/a:b/{a}", "/v1/a:b/c", {"a": "c"}),
        ("/v1/a%20b%2Fc", "/v1/a%20b%2fc", {}),
        ("/v1/a%20b", "/v1/a+b", None),
        ("/v1/*/x/{a}", "/v1/w/x/y", {"a": "y"}),
        ("/v1/{a}/{b.c.d}", "/v1/x/y", {"a": "x", "b.c.d": "y"}),
        ("/v1/%25zz", "/v1/%zz", None),
    ],
)
def test_a_path_matches_its_template(template: str, path: str, values: dict[str, str] | None) -> None:
    assert match(template, path) == values


@pytest.mark.parametrize("encoded", ["%", "a%2", "%zz", "%ff", "%C3x", "%ED%A0%80"])
def test_a_broken_encoding_is_refused_and_not_guessed_at(encoded: str) -> None:
    for keep_slash in (False, True):
        with pytest.raises(ValueError, match=r"hexadecimal|UTF-8"):
            percent_decode(encoded, keep_slash)


PRECEDENCE = ["/{a}", "/{a=**}", "/x", "/x/{a}", "/x/{a=y/*}", "/x/{a=**}", "/x/y", "/x/{a}:go", "/x/y:go", "/{a}/y/{b}", "/x/{a}/z"]


@pytest.mark.parametrize("order", [PRECEDENCE, PRECEDENCE[::-1]])
@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/x", "/x"),
        ("/w", "/{a}"),
        ("/w/w", "/{a=**}"),
        ("/x/w", "/x/{a}"),
        ("/x/y", "/x/y"),
        ("/x/y/w", "/x/{a=y/*}"),
        ("/x/y/z", "/x/{a=y/*}"),
        ("/x/w/z", "/x/{a}/z"),
        ("/x/w/w", "/x/{a=**}"),
        ("/w/y/w", "/{a}/y/{b}"),
        ("/x/w:go", "/x/{a}:go"),
        ("/x/y:go", "/x/y:go"),
        ("/x/y:stop", "/x/{a}"),
        ("/x/w/w:go", "/x/{a=**}"),
        ("/%78/%79", "/x/y"),
    ],
)
def test_literals_come_before_variables_and_longer_templates_first(order: list[str], path: str, template: str) -> None:
    matcher: Matcher[str] = Matcher()
    for each in order:
        matcher.add(parse_template(each), "GET", each)
    matched = matcher.match(path.encode(), "GET")
    assert matched is not None and matched.target == template


def test_a_template_of_another_method_does_not_hide_one_of_this() -> None:
    matcher: Matcher[str] = Matcher()
    for text, http_method in [("/v1/new", "POST"), ("/v1/{a}", "GET"), ("/v1/{a}:go", "POST"), ("/v1/{a}", "DELETE"), ("/any/{a}", "*")]:
        matcher.add(parse_template(text), http_method, f"{http_method} {text}")
    found = {
        (http_method, path): matched.target if (matched := matcher.match(path.encode(), http_method)) else None
        for http_method, path in [("GET", "/v1/new"), ("HEAD", "/v1/new"), ("PUT", "/v1/new"), ("GET", "/v1/x:go"), ("BREW", "/any/x")]
    }
    assert list(found.values()) == ["GET /v1/{a}", "GET /v1/{a}", None, "GET /v1/{a}", "* /any/{a}"]
    assert matcher.allowed(b"/v1/new") == ["DELETE", "GET", "HEAD", "POST"]
    assert matcher.allowed(b"/v1/x:go") == ["DELETE", "GET", "HEAD", "POST"]
    assert matcher.allowed(b"/v2") == []


@pytest.mark.parametrize("other", ["/v1/{b}", "/v1/*", "/v1/{b=*}"])
def test_two_bindings_of_the_same_paths_are_refused(other: str) -> None:
    matcher: Matcher[str] = Matcher()
    matcher.add(parse_template("/v1/{a}"), "GET", "first")
    with pytest.raises(ValueError, match="bound twice"):
        matcher.add(parse_template(other), "GET", "second")


# google.api_core expands and validates templates on the client's side, independently of what is tested here.

UNRESERVED = "abcXYZ019-_~."
literals = st.text(UNRESERVED, min_size=1, max_size=4).filter(lambda text: text not in (".", ".."))
characters = st.one_of(st.sampled_from("/%:+ ?#é2F."), st.characters(exclude_categories=["Cs"]))
values = st.text(characters, min_size=1, max_size=6).filter(lambda text: not {".", ".."} & set(text.split("/")))


@st.composite
def templates(draw: st.DrawFn) -> str:
    """A template with at most one `**`, at its end; its variables are called v0, v1 and so on."""
    segments, count = [], draw(st.integers(1, 4))
    for index in range(count):
        wildcards = ["*", "**"] if index == count - 1 else ["*"]
        pattern = "/".join([*draw(st.lists(st.one_of(literals, st.just("*")), max_size=2)), draw(st.sampled_from(wildcards))])
        segments.append(draw(st.sampled_from([draw(literals), f"{{v{index}={pattern}}}", f"{{v{index}}}"])))
    return "/" + "/".join(segments) + draw(st.sampled_from(["", ":verb"]))


def patterns(template: str) -> dict[str, str]:
    """The pattern of each variable."""
    return {found["name"]: found["template"] or "*" for found in path_template._VARIABLE_RE.finditer(template)}


@st.composite
def filled(draw: st.DrawFn, pattern: str) -> str:
    """A value that fits the pattern. Among several segments none has a slash of its own: that stays encoded."""
    if pattern == "*":
        return draw(values)
    segment = values.map(lambda text: text.replace("/", "_"))
    parts = ["/".join(draw(st.lists(segment, min_size=1, max_size=3))) if part == "**" else part for part in pattern.split("/")]
    return "/".join(draw(segment) if part == "*" else part for part in parts)


@given(st.data(), templates())
def test_what_google_expands_is_matched_with_the_same_values(data: st.DataObject, template: str) -> None:
    chosen = {name: data.draw(filled(pattern)) for name, pattern in patterns(template).items()}
    encoded = {name: quote(value, safe="" if patterns(template)[name] == "*" else "/") for name, value in chosen.items()}
    path = path_template.expand(template, **encoded)
    assert path_template.validate(template, path)
    assert match(template, path) == chosen


@given(st.data(), templates())
def test_what_google_refuses_is_not_matched_and_what_it_accepts_is(data: st.DataObject, template: str) -> None:
    plain = path_template._VARIABLE_RE.sub(lambda found: found["template"] or "*", template.removesuffix(":verb"))
    segments = [data.draw(literals) if "*" in part else part for part in plain[1:].split("/")]
    # A path of this template, or one that is a little off. Fewer segments are left to the table above: `**` is none or more in
    # google/api/http.proto, and one or more in google.api_core.
    at = data.draw(st.integers(0, len(segments) - 1))
    segments[at : at + data.draw(st.integers(0, 1))] = data.draw(st.lists(literals, min_size=1, max_size=2))
    path = "/" + "/".join(segments) + data.draw(st.sampled_from([":verb", ":other", ""]) if template.endswith(":verb") else st.just(""))
    assert (match(template, path) is not None) == path_template.validate(template.replace(".", r"\."), path)
