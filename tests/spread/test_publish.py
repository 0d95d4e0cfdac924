"""RemotePublished: its files stay where they belong, are read with the registry, and are used if they are recent."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("twisted")

from twisted.internet import defer

from likewise.objects.kept import file_name, path_in, read_file, state_as_bytes, state_from_bytes, write_file
from likewise.spread import banana, jelly, pb, publish
from tests.spread.ends import Logged, Pair


class Article(publish.Publishable):
    def __init__(self, name: Any, text: Any) -> None:
        super().__init__(name)
        self.text = text
        self.asked = 0

    def getStateToPublishFor(self, perspective: Any) -> Any:
        self.asked += 1
        return {"text": self.text}


class RArticle(publish.RemotePublished):
    text: Any = None

    def activated(self) -> None:
        self.__dict__["was_activated"] = True


pb.setUnjellyableForClass(Article, RArticle)


class Inner(pb.Copyable, pb.RemoteCopy):
    def __init__(self, x: Any) -> None:
        self.x = x


pb.setUnjellyableForClass(Inner, Inner)


class Root(pb.Root):
    def __init__(self, article: Any) -> None:
        self.article = article

    def remote_article(self) -> Any:
        return self.article


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "cache"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


def fetch(article: Article) -> RArticle:
    got: RArticle = Pair(Root(article)).ask("article")
    return got


def test_the_state_is_fetched_once_and_then_read_from_its_file(directory: Path) -> None:
    article = Article("a", [1, "text", Inner({"deep": (1,)})])
    first = fetch(article)
    assert first.isActivated and first.text[:2] == [1, "text"] and not first._wasCleanWhenLoaded
    assert first.was_activated and article.asked == 1  # type: ignore[attr-defined]
    (kept,) = os.listdir(directory)
    assert len(kept) == 44 and kept.endswith(".pub")
    again = fetch(article)
    assert again._wasCleanWhenLoaded and article.asked == 1 and again.text[2].x == {"deep": (1,)}
    article.text = "new"
    article.republish()
    assert fetch(article).text == "new" and article.asked == 2
    assert os.listdir(directory) == [kept]


def test_who_waits_is_told_when_the_state_is_there() -> None:
    article = Article("a", "text")
    pair = Pair(Root(article))
    told: list[Any] = []
    publish.whenReady(pair.root.callRemote("article")).addCallback(told.append)
    pair.carry()
    (got,) = told
    got.callWhenActivated(told.append)
    assert told == [got, got] and got.text == "text"
    failed: list[Any] = []
    publish.whenReady(defer.fail(KeyError())).addErrback(failed.append)
    assert failed[0].check(KeyError)


@pytest.mark.parametrize("name", ["../../outside", "/etc/passwd", "..", "a/b", "\0", b"../x", ("..", "..")])
def test_no_name_leads_out_of_the_directory(directory: Path, name: Any) -> None:
    before = sorted(directory.parent.rglob("*"))
    assert fetch(Article(name, "text")).text == "text"
    after = set(directory.parent.rglob("*")) - set(before)
    assert len(after) == 1 and after.pop().parent == directory


def test_different_names_have_different_files() -> None:
    assert file_name("a-b", "c") != file_name("a", "b-c") and file_name("1") != file_name(1)
    assert file_name("a", 1) == file_name("a", 1) and file_name("x").isalnum()


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/a", "../a"])
def test_a_file_name_of_a_subclass_may_not_lead_out_either(name: str, directory: Path) -> None:
    with pytest.raises(ValueError, match="is not the name of a file in"):
        path_in(directory, name)


def test_what_lies_in_a_file_is_admitted_like_what_comes(directory: Path) -> None:
    path = directory / "state"
    evil = jelly.jelly({"timestamp": 1.0, "state": {"x": Path}})
    path.write_bytes(banana.encode(evil))
    assert state_from_bytes(read_file(path), RArticle.registry) is None
    path.write_bytes(b"no banana")
    assert state_from_bytes(read_file(path), RArticle.registry) is None
    assert read_file(directory / "not there") is None and state_from_bytes(None) is None
    assert write_file(path, state_as_bytes({"x": 1}) or b"") is None and state_from_bytes(
        read_file(path), RArticle.registry
    ) == {"x": 1}
    assert state_as_bytes({"x": pb.Referenceable()}) is None
    assert os.listdir(directory) == ["state"]


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"remote": None},
        {"remote": None, "publishedID": 1, "perspective": 1, "service": 1, "timestamp": 1, "getFileName": 5},
    ],
)
def test_state_from_the_wire_sets_what_it_should_and_nothing_else(sent: Any) -> None:
    class Liar(pb.Cacheable):
        def getTypeToCopy(self) -> Any:
            return f"{__name__}.Article".encode()

        def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
            return sent

    assert Pair(Root(Liar())).ask("article").check(jelly.InsecureJelly)


def test_the_directory_is_not_the_peers_to_choose(directory: Path) -> None:
    class Liar(Article):
        def getTypeToCopy(self) -> Any:
            return f"{__name__}.Article".encode()

        def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
            return super().getStateToCacheAndObserveFor(perspective, observer) | {"cacheDirectory": "/tmp"}

    assert Pair(Root(Liar("a", {"text": 1}))).ask("article").check(jelly.InsecureJelly)
    assert not os.listdir(directory)


def test_a_state_that_can_not_be_fetched_is_logged() -> None:
    class Broken(Article):
        def getTypeToCopy(self) -> Any:
            return f"{__name__}.Article".encode()

        getStateToPublishFor = publish.Publishable.getStateToPublishFor

    with Logged() as logged:
        assert not fetch(Broken("a", 1)).isActivated
    assert logged.types() == ["NotImplementedError"] * 2  # at the server, and at who fetches


def test_who_waits_is_told_that_the_state_can_not_be_fetched() -> None:
    class Broken(Article):
        def getTypeToCopy(self) -> Any:
            return f"{__name__}.Article".encode()

        getStateToPublishFor = publish.Publishable.getStateToPublishFor

    pair, told = Pair(Root(Broken("a", 1))), []
    publish.whenReady(pair.root.callRemote("article")).addErrback(told.append)
    pair.carry()
    assert told[0].check(NotImplementedError)  # type: ignore[attr-defined]
