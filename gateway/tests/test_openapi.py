import json
import subprocess
import sys
from functools import cache
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import grpc_tools
import pytest
from google.api import annotations_pb2
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

from gateway.tests.library_service import library
from gateway.transcoding import JsonFormat, openapi
from gateway.transcoding.codec import Codec, InvalidJson
from gateway.transcoding.http_rule import bindings
from payments.v1 import annotations_pb2 as payments_annotations_pb2
from payments.v1 import payments_pb2

Document = dict[str, Any]

PAYMENTS = payments_pb2.DESCRIPTOR.services_by_name["PaymentService"]
PAYMENTS_FORMAT = JsonFormat(proto_names=True, short_enums=True, literal=payments_annotations_pb2.json_literal)


@cache
def garden_sources() -> FileDescriptorSet:
    roots = [Path(__file__).parent, Path(annotations_pb2.__file__).parents[2], Path(grpc_tools.__file__).parent / "_proto"]
    with TemporaryDirectory() as directory:
        out = Path(directory, "garden.binpb")
        options = [*(f"-I{root}" for root in roots), "--include_imports", "--include_source_info", f"--descriptor_set_out={out}"]
        subprocess.run([sys.executable, "-m", "grpc_tools.protoc", *options, "openapi_fixture.proto"], check=True)
        return FileDescriptorSet.FromString(out.read_bytes())


@cache
def garden() -> ServiceDescriptor:
    pool = DescriptorPool()
    for file in garden_sources().file:
        pool.AddSerializedFile(file.SerializeToString())
    return pool.FindServiceByName("garden.v1.Garden")


def garden_document(**arguments: Any) -> Document:
    return openapi([garden()], sources=garden_sources(), title="Garden", version="1", **arguments)


def library_document() -> Document:
    return openapi([library()], title="Library", version="1")


def payments_document(**arguments: Any) -> Document:
    sources = FileDescriptorSet.FromString((files("payments.v1") / "payments.binpb").read_bytes())
    return openapi([PAYMENTS], format=PAYMENTS_FORMAT, sources=sources, title="Payments", version="1", **arguments)


def schema(document: Document, name: str) -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["schemas"][name]
    return found


def validator(document: Document, name: str) -> OAS31Validator:
    return OAS31Validator({"$ref": f"#/components/schemas/{name}", "components": document["components"]})


def operations(document: Document) -> dict[str, tuple[str, str]]:
    """Method and path by the operation's name."""
    return {
        operation["operationId"]: (method.upper(), path) for path, item in document["paths"].items() for method, operation in item.items()
    }


def parameters(operation: dict[str, Any], place: str) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in operation.get("parameters", ()) if each["in"] == place}


@pytest.mark.parametrize("make", [garden_document, library_document, payments_document])
def test_the_document_is_valid_openapi_3_1(make: Any) -> None:
    document = make()
    assert document["openapi"].startswith("3.1")
    validate(document)


def test_the_text_of_the_document_is_the_same_in_every_process() -> None:
    program = "from gateway.tests.test_openapi import *; print(json.dumps([garden_document(), payments_document()]))"
    texts = [
        subprocess.run([sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, check=True, capture_output=True).stdout
        for seed in "12"
    ]
    assert texts[0] == texts[1]


def test_every_binding_is_an_operation_with_a_name_of_its_own() -> None:
    described = operations(library_document())
    bound = [binding for method in library().methods for binding in bindings(method)]
    assert len(described) == len(bound)
    assert {method for method, _ in described.values()} >= {binding.http_method for binding in bound} - {"*"}
    assert described["GetShelf"] == ("GET", "/v1/shelves/{shelf_id}")
    assert described["GetShelf_2"] == ("GET", "/v1/rooms/{place_room_number}/shelves/{shelf_id}")
    assert described["GetShelf_3"] == ("GET", "/v1/ground/{place_room_number}/{genre}")
    assert described["CheckFile_4"] == ("HEAD", "/v1/heads/{path}")


def test_a_variable_of_several_segments_is_a_parameter_for_each_wildcard() -> None:
    described = operations(library_document())
    assert described["GetBook"] == ("GET", "/v1/shelves/{name_1}/books/{name_2}")
    assert described["ListBooks_2"] == ("GET", "/v1/shelves/{parent}/books")
    assert described["GetFile_2"] == ("GET", "/v1/trees/docs/{path}")
    assert described["GetFile_3"] == ("GET", "/v1/{segment}/raw/{path}")


def test_a_custom_verb_and_an_encoded_literal_stay_in_the_path() -> None:
    described = operations(library_document())
    assert described["LendBook"] == ("POST", "/v1/shelves/{name_1}/books/{name_2}:lend")
    assert described["LendBook_2"] == ("POST", "/v1/books:lend")
    assert described["GetFile_4"] == ("GET", "/v1/caf%C3%A9%20menu/{path}")


def test_paths_that_differ_in_parameter_names_alone_are_one() -> None:
    document = library_document()
    item = document["paths"]["/v1/shelves/{name_1}/books/{name_2}"]
    assert list(item) == ["get", "patch", "put", "delete"]
    # The template of PATCH calls the variable book.name.
    assert list(parameters(item["patch"], "path")) == ["name_1", "name_2"]
    assert "`book.name` is `shelves/{name_1}/books/{name_2}`" in parameters(item["patch"], "path")["name_1"]["description"]


def test_a_rule_of_any_method_is_described_once_and_one_of_an_unknown_method_not_at_all() -> None:
    document = garden_document()
    assert list(document["paths"]["/v1/grow"]) == ["post"]
    assert "Any HTTP method" in document["paths"]["/v1/grow"]["post"]["description"]
    assert "RemovePlant_2" not in operations(document)


def test_the_first_sentence_of_a_comment_is_the_summary_and_the_rest_the_description() -> None:
    operation = garden_document()["paths"]["/v1/plants"]["post"]
    assert operation["summary"] == "Plants a plant"
    assert operation["description"] == "It takes root\nat once.\n\nSee Plant."
    assert operation["tags"] == ["Garden"]


def test_without_sources_the_document_is_the_same_but_for_its_words() -> None:
    def wordless(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: wordless(item) for key, item in value.items() if not (key in ("summary", "description") and isinstance(item, str))}
        return [wordless(item) for item in value] if isinstance(value, list) else value

    assert wordless(openapi([garden()], title="Garden", version="1")) == wordless(garden_document())


def test_query_parameters_are_the_fields_that_neither_path_nor_body_sets() -> None:
    item = library_document()["paths"]
    query = parameters(item["/v1/shelves/{name_1}/books/{name_2}"]["get"], "query")
    text = ["readMask", "asOf", "language", "token", "zoom", "lent", "year", "printing", "revision", "otherName"]
    assert list(query) == ["view.page.number", "view.page.lines", "view.withCover", "genres", *text]
    assert query["view.page.lines"]["explode"] is True
    assert query["view.page.lines"]["schema"]["type"] == "array"
    assert query["asOf"]["schema"] == {"type": "string", "format": "date-time"}
    assert query["language"]["schema"] == {"type": "string"}
    assert "explode" not in query["zoom"]
    assert list(parameters(item["/v1/shelves/{parent}/books"]["post"], "query")) == ["bookId", "validateOnly"]
    assert parameters(item["/v1/books:lend"]["post"], "query") == {}


def test_a_required_query_parameter_is_required_and_a_nested_message_stops_where_it_repeats() -> None:
    query = parameters(garden_document()["paths"]["/v1/plants/{plant_id}"]["get"], "query")
    assert query["token"]["required"] is True
    # Required within `like`, which need not be given.
    assert "required" not in query["like.species"]
    assert "like.plantId" not in query
    assert not any(name.startswith("like.parent.") for name in query)
    assert query["height"]["schema"]["anyOf"][0] == {"type": "number", "format": "double"}


def test_a_path_parameter_has_the_schema_of_its_field() -> None:
    document = garden_document(refinements={"garden.v1.RemovePlantRequest.id": {"format": "uuid"}})
    get, delete = (document["paths"]["/v1/plants/{plant_id}"][method] for method in ("get", "delete"))
    assert parameters(get, "path")["plant_id"]["schema"]["format"] == "int32"
    # Its own template calls it id: one path, one name.
    assert parameters(delete, "path")["plant_id"]["schema"] == {"type": "string", "format": "uuid"}


def test_a_body_of_everything_leaves_out_what_the_path_sets() -> None:
    document = garden_document()
    body = document["paths"]["/v1/beds/{bed_name_1}/rows/{bed_name_2}/plants"]["post"]["requestBody"]
    assert body["required"] is True
    assert body["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/CreatePlant-Body"}
    whole = schema(document, "CreatePlant-Body")
    assert list(whole["properties"]) == ["bed", "plant", "light", "notes"]
    # The path has the required part of the bed.
    assert whole["required"] == ["plant", "light"]
    accepts = validator(document, "CreatePlant-Body").is_valid
    rest = {"plant": {"species": "oak"}, "light": "LIGHT_SHADE"}
    assert accepts({**rest, "bed": {"soil": "loam"}})
    assert accepts({**rest, "bed": None})
    assert not accepts({**rest, "bed": {"name": "beds/1"}})


def test_a_body_of_one_field_is_that_fields_schema() -> None:
    operation = garden_document()["paths"]["/v1/plants"]["post"]
    assert operation["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Plant-Input"}
    tags = library_document()["paths"]["/v1/shelves/{name_1}/books/{name_2}/tags"]["put"]["requestBody"]
    assert tags["content"]["application/json"]["schema"] == {"type": "array", "items": {"type": "string"}}


def test_a_response_body_is_one_field_and_a_stream_is_lines() -> None:
    item = garden_document()["paths"]["/v1/plants/{plant_id}"]
    one = item["get"]["responses"]["200"]
    assert one["description"] == "The plant."
    assert one["content"]["application/json"]["schema"] == {"anyOf": [{"$ref": "#/components/schemas/Plant"}, {"type": "null"}]}
    assert item["get"]["deprecated"] is True
    stream = item["delete"]["responses"]["200"]
    assert stream["content"] == {"application/x-ndjson": {"schema": {"$ref": "#/components/schemas/Plant"}}}


def test_a_message_has_the_json_types_of_its_fields() -> None:
    properties = schema(garden_document(), "Plant")["properties"]
    assert properties["plantId"] == {"readOnly": True, "type": "string"}
    assert properties["seeds"] == {"description": "How many.", "type": "string", "format": "int64", "pattern": "^(0|-?[1-9][0-9]{0,18})$"}
    assert properties["picture"] == {"type": "string", "contentEncoding": "base64"}
    assert properties["light"] == {"deprecated": True, "$ref": "#/components/schemas/Light"}
    assert properties["sown"] == {"type": "string", "format": "date-time"}
    assert properties["life"] == {"type": "string", "pattern": r"^-?[0-9]{1,12}(\.[0-9]{1,9})?s$"}
    assert properties["rank"]["type"] == ["string", "null"]
    assert properties["notes"] == {"type": "object"}
    assert properties["extra"] == {}
    assert properties["list"] == {"type": "array", "items": {}}
    assert properties["detail"]["required"] == ["@type"]
    assert properties["lights"] == {"type": "array", "items": {"$ref": "#/components/schemas/Light"}}
    assert properties["parent"] == {"$ref": "#/components/schemas/Plant"}
    assert properties["offspring"]["additionalProperties"] == {"$ref": "#/components/schemas/Plant"}
    assert properties["labels"]["propertyNames"] == {"enum": ["true", "false"]}


def test_an_enum_is_a_string_explained_by_its_values_comments() -> None:
    light = schema(garden_document(), "Light")
    assert light["enum"] == ["LIGHT_UNSPECIFIED", "LIGHT_SHADE", "LIGHT_FULL_SUN"]
    assert light["description"] == "How much light there is.\n\n- `LIGHT_SHADE`: Under trees."
    assert schema(garden_document(format=JsonFormat(short_enums=True)), "Light")["enum"] == ["shade", "full_sun"]


def test_names_are_those_that_answers_have() -> None:
    assert "plant_id" in schema(garden_document(format=JsonFormat(proto_names=True)), "Plant")["properties"]
    assert "plantId" in schema(garden_document(), "Plant")["properties"]


def test_requests_have_no_output_only_fields_and_responses_no_input_only_ones() -> None:
    document = garden_document()
    request, response = schema(document, "Plant-Input"), schema(document, "Plant")
    assert "plantId" not in request["properties"]
    assert request["properties"]["secret"]["writeOnly"] is True
    assert request["required"] == ["species"]
    assert request["additionalProperties"] is False
    assert "secret" not in response["properties"]
    assert "required" not in response
    assert "additionalProperties" not in response


def test_the_members_of_a_oneof_exclude_each_other() -> None:
    document = garden_document()
    assert "What it is sold for.\n\nAt most one of `price`, `unsold` is given." in schema(document, "Plant")["description"]
    accepts = validator(document, "Plant").is_valid
    assert accepts({"price": "1"})
    assert accepts({"unsold": None})
    assert not accepts({"price": "1", "unsold": None})


REQUESTS = [
    {"species": "oak"},
    {"species": "oak", "parent": {"species": "oak", "parent": {"species": "beech"}}},
    {"species": "oak", "parent": {"species": "oak", "unknown": 1}},
    {"species": "oak", "unknown": 1},
    {"species": 1},
    {"species": "oak", "seeds": "9007199254740993"},
    {"species": "oak", "seeds": "1x"},
    {"species": "oak", "seeds": None},
    {"species": "oak", "height": "NaN"},
    {"species": "oak", "height": "tall"},
    {"species": "oak", "height": 1.5},
    {"species": "oak", "leaves": 4294967296},
    {"species": "oak", "leaves": -1},
    {"species": "oak", "leaves": 1.5},
    {"species": "oak", "light": "LIGHT_SHADE"},
    {"species": "oak", "light": "shade"},
    {"species": "oak", "light": None},
    {"species": "oak", "lights": ["LIGHT_SHADE", "LIGHT_SHADE"]},
    {"species": "oak", "lights": [None]},
    {"species": "oak", "lights": None},
    {"species": "oak", "life": "1.5s"},
    {"species": "oak", "life": "1.5"},
    {"species": "oak", "rank": None},
    {"species": "oak", "rank": "x"},
    {"species": "oak", "notes": []},
    {"species": "oak", "notes": {"a": [1, None]}},
    {"species": "oak", "extra": None},
    {"species": "oak", "list": {}},
    {"species": "oak", "offspring": {"1": {"species": "oak"}}},
    {"species": "oak", "offspring": {"x": {"species": "oak"}}},
    {"species": "oak", "offspring": {"1": None}},
    {"species": "oak", "labels": {"true": "a"}},
    {"species": "oak", "labels": {"yes": "a"}},
    {"species": "oak", "edible": "true"},
    {"species": "oak", "price": "1", "unsold": None},
    [],
    None,
]


@pytest.mark.parametrize("request_", REQUESTS, ids=json.dumps)
def test_the_schema_of_a_request_accepts_what_the_codec_accepts(request_: Any) -> None:
    try:
        Codec(garden().file.message_types_by_name["Plant"]).decode(json.dumps(request_).encode())
        accepted = True
    except InvalidJson:
        accepted = False
    assert validator(garden_document(), "Plant-Input").is_valid(request_) is accepted


def test_the_schema_of_a_response_accepts_what_the_codec_writes() -> None:
    text = b"""{"plantId": "p", "species": "oak", "seeds": "-5", "height": "Infinity", "picture": "AAE=", "light": "LIGHT_SHADE",
        "sown": "2024-02-29T12:00:00.5Z", "life": "-1.5s", "rank": "7", "notes": {"a": null}, "extra": [1], "list": ["a"],
        "detail": {"@type": "type.googleapis.com/garden.v1.Bed", "name": "beds/1"}, "offspring": {"-3": {"species": "beech"}},
        "labels": {"false": "no"}, "lights": ["LIGHT_FULL_SUN"], "edible": false, "unsold": null, "parent": {"plantId": "q"}}"""
    codec = Codec(garden().file.message_types_by_name["Plant"])
    written = json.loads(codec.encode(codec.decode(text)))
    assert written.keys() == json.loads(text).keys()
    validator(garden_document(), "Plant").validate(written)


def test_a_literal_is_an_object_or_a_number_and_money_stays_within_its_range() -> None:
    amount = {"minimum": 0, "maximum": 99999.99, "multipleOf": 0.01}
    document = payments_document(refinements={"payments.v1.CreatePaymentRequest.payment": amount})
    properties = schema(document, "CreatePaymentRequest")["properties"]
    assert properties["data"]["type"] == "object"
    assert properties["payment"].items() >= {"type": "number", **amount}.items()
    assert schema(document, "CreatePaymentRequest")["required"] == ["data", "payment"]
    assert properties["status"]["anyOf"] == [{"$ref": "#/components/schemas/Status"}, {"type": "null"}]
    assert schema(document, "Status")["enum"] == ["inserted", "consumed"]


def test_a_refined_message_has_required_members_in_the_schemas_that_show_them() -> None:
    document = garden_document(refinements={"garden.v1.Plant": {"required": ["plantId", "species"]}})
    assert schema(document, "Plant")["required"] == ["plantId", "species"]
    assert schema(document, "Plant-Input")["required"] == ["species"]


def test_errors_are_problems_and_only_those_that_the_operation_can_answer_with() -> None:
    document = payments_document()
    assert schema(document, "Problem")["required"] == ["type", "title", "status", "detail", "code"]
    statuses = {name: list(document["paths"][path][method.lower()]["responses"]) for name, (method, path) in operations(document).items()}
    always = ["429", "500", "503", "504", "default"]
    assert statuses["ListPayments"] == ["200", "400", *always]
    assert statuses["GetPayment"] == ["200", "400", "404", *always]
    assert statuses["UpdatePayment"] == ["200", "400", "404", "409", "413", "415", *always]
    assert statuses["DeletePayment"] == ["200", "400", "404", "409", *always]


def test_the_application_adds_headers_responses_and_paths_of_its_own() -> None:
    method = "payments.v1.PaymentService.UpdatePayment"
    header = {"name": "If-Match", "in": "header", "schema": {"type": "string"}}
    etag = {"ETag": {"schema": {"type": "string"}}}
    failed = {"$ref": "#/components/responses/Problem"}
    status = {"get": {"operationId": "status", "responses": {"200": {"description": "ok"}, "503": failed}}}
    document = payments_document(
        description="All of it.",
        parameters={method: [header]},
        extra_responses={method: {"412": failed, "200": {"headers": etag}}},
        extra_paths={"/status": status},
    )
    validate(document)
    operation = document["paths"]["/update/{id}"]["put"]
    assert operation["parameters"][-1] == header
    assert list(operation["responses"])[:5] == ["200", "400", "404", "409", "412"]
    assert operation["responses"]["200"]["headers"] == etag
    assert operation["responses"]["200"]["content"]["application/json"]
    assert document["paths"]["/status"] == status
    assert document["info"] == {"title": "Payments", "description": "All of it.", "version": "1"}


def test_a_method_that_needs_a_credential_says_which_and_how_it_refuses() -> None:
    scheme = {"type": "http", "scheme": "bearer"}
    requirement = [{"token": ["admin"]}]
    document = payments_document(security_schemes={"token": scheme}, security={"payments.v1.PaymentService.GetPayment": requirement})
    validate(document)
    assert document["components"]["securitySchemes"] == {"token": scheme}
    secured, free = document["paths"]["/get/{id}"]["get"], document["paths"]["/delete/{id}"]["delete"]
    assert secured["security"] == requirement
    assert list(secured["responses"])[:5] == ["200", "400", "401", "403", "404"]
    assert "security" not in free and not {"401", "403"} & free["responses"].keys()
    assert "WWW-Authenticate" in document["components"]["responses"]["Unauthorized"]["headers"]
    without = payments_document()["components"]
    assert "securitySchemes" not in without and "Unauthorized" not in without["responses"]


@pytest.mark.parametrize("argument", ["parameters", "extra_responses", "refinements", "security"])
def test_an_argument_that_speaks_of_what_is_not_there_is_refused(argument: str) -> None:
    with pytest.raises(ValueError, match=r"payments\.v1\.Nothing"):
        payments_document(**{argument: {"payments.v1.Nothing": {}}})


def test_two_packages_are_told_apart_by_full_names() -> None:
    document = openapi([PAYMENTS, garden()], title="Both", version="1")
    assert [tag["name"] for tag in document["tags"]] == ["payments.v1.PaymentService", "garden.v1.Garden"]
    assert "payments.v1.Payment" in document["components"]["schemas"]
    validate(document)
