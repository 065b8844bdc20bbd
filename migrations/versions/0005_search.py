"""The index of words: what `aggregator search` finds entries by, kept up to date by triggers.

SQLite: an FTS5 table that reads its text from `entry`. PostgreSQL: a table of tsvectors with a GIN index. Both are
named entry_words; neither is in tables.py, as nothing but these triggers writes them.
"""

from collections.abc import Sequence

from alembic import op
from sqlalchemy import text

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_SQLITE = (
    # names were stored in ASCII ("Jos\u00e9"), which is no word to the index
    """UPDATE entry SET authors = (SELECT json_group_array(value) FROM json_each(entry.authors))
       WHERE instr(authors, '\\u') > 0""",
    """CREATE VIRTUAL TABLE entry_words USING fts5(
           title, summary, authors,
           content='entry', content_rowid='id', tokenize='porter unicode61 remove_diacritics 2')""",
    """CREATE TRIGGER entry_words_insert AFTER INSERT ON entry BEGIN
           INSERT INTO entry_words(rowid, title, summary, authors)
           VALUES (new.id, new.title, new.summary, new.authors);
       END""",
    """CREATE TRIGGER entry_words_delete AFTER DELETE ON entry BEGIN
           INSERT INTO entry_words(entry_words, rowid, title, summary, authors)
           VALUES ('delete', old.id, old.title, old.summary, old.authors);
       END""",
    """CREATE TRIGGER entry_words_update AFTER UPDATE OF id, title, summary, authors ON entry BEGIN
           INSERT INTO entry_words(entry_words, rowid, title, summary, authors)
           VALUES ('delete', old.id, old.title, old.summary, old.authors);
           INSERT INTO entry_words(rowid, title, summary, authors)
           VALUES (new.id, new.title, new.summary, new.authors);
       END""",
    "INSERT INTO entry_words(entry_words) VALUES ('rebuild')",
)

_BETWEEN = r"regexp_replace({text}, '[!-/:-@\[-`{-~]+', ' ', 'g')"
"""Words as FTS5 cuts them: "text-to-speech" is three, and so is "b.example.org"."""

_WITHOUT_MARKS = r"regexp_replace(normalize($1, NFKD), '[\u0300-\u036f]', '', 'g')"
"""Letters without their marks; PostgreSQL can do this in UTF-8 only."""

_POSTGRESQL = (
    # stems as 'english' has them, but every word counts: "The Who" is a phrase too
    "CREATE TEXT SEARCH DICTIONARY entry_words_stem (TEMPLATE = snowball, Language = english)",
    "CREATE TEXT SEARCH CONFIGURATION entry_words (COPY = english)",
    """ALTER TEXT SEARCH CONFIGURATION entry_words
       ALTER MAPPING FOR asciiword, asciihword, hword_asciipart, hword, hword_part, word WITH entry_words_stem""",
    """CREATE FUNCTION entry_words_plain(text) RETURNS text LANGUAGE sql IMMUTABLE AS $body$ SELECT {plain} $body$""",
    """CREATE FUNCTION entry_words_of(title text, summary text, authors json) RETURNS tsvector
       LANGUAGE sql IMMUTABLE AS $body$
           SELECT setweight(to_tsvector('entry_words', entry_words_plain(left(title, 10000))), 'A')
               || setweight(to_tsvector('entry_words', entry_words_plain(left(
                      (SELECT coalesce(string_agg(name, ' '), '') FROM json_array_elements_text(authors) AS name),
                      50000))), 'B')
               || setweight(to_tsvector('entry_words', entry_words_plain(left(summary, 100000))), 'D')
       $body$""",
    """CREATE TABLE entry_words (
           entry_id integer CONSTRAINT pk_entry_words PRIMARY KEY
               CONSTRAINT fk_entry_words_entry_id_entry REFERENCES entry (id) ON DELETE CASCADE,
           words tsvector NOT NULL)""",
    # no column but the id is named: PostgreSQL would refuse to alter the type of one in a trigger, and an open
    # connection would go on with the old one in a function
    """CREATE FUNCTION entry_words_keep() RETURNS trigger LANGUAGE plpgsql AS $body$
       BEGIN
           INSERT INTO entry_words (entry_id, words)
           SELECT id, entry_words_of(title, summary, authors) FROM entry WHERE id = NEW.id
           ON CONFLICT (entry_id) DO UPDATE SET words = EXCLUDED.words
               WHERE entry_words.words IS DISTINCT FROM EXCLUDED.words;
           RETURN NULL;
       END $body$""",
    "CREATE TRIGGER entry_words_keep AFTER INSERT OR UPDATE ON entry FOR EACH ROW EXECUTE FUNCTION entry_words_keep()",
    "INSERT INTO entry_words (entry_id, words) SELECT id, entry_words_of(title, summary, authors) FROM entry",
    "CREATE INDEX ix_entry_words_words ON entry_words USING gin (words)",
)


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        _run(_SQLITE)
        return
    utf8 = connection.execute(text("SHOW server_encoding")).scalar_one() == "UTF8"
    plain = _BETWEEN.replace("{text}", _WITHOUT_MARKS if utf8 else "$1")
    _run([statement.replace("{plain}", plain) for statement in _POSTGRESQL])


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _run([f"DROP TRIGGER entry_words_{what}" for what in ("insert", "delete", "update")])
        _run(["DROP TABLE entry_words"])
        return
    _run(["DROP TRIGGER entry_words_keep ON entry", "DROP TABLE entry_words", "DROP FUNCTION entry_words_keep()"])
    _run(["DROP FUNCTION entry_words_of(text, text, json)", "DROP FUNCTION entry_words_plain(text)"])
    _run(["DROP TEXT SEARCH CONFIGURATION entry_words", "DROP TEXT SEARCH DICTIONARY entry_words_stem"])


def _run(statements: Sequence[str]) -> None:
    """Run them as they stand: to alembic, a colon would begin the name of a value."""
    for statement in statements:
        op.get_bind().exec_driver_sql(statement)
