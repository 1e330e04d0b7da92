BEGIN TRANSACTION;
CREATE TABLE collections(
  name TEXT PRIMARY KEY, analyser TEXT NOT NULL, splitter TEXT NOT NULL,
  encoder TEXT NOT NULL DEFAULT '', fingerprint TEXT NOT NULL DEFAULT '') WITHOUT ROWID;
INSERT INTO "collections" VALUES('birds','english-1','1','','');
INSERT INTO "collections" VALUES('default','english-1','1','words-32','23cd3a84f2da00f24bbb7402ac3c9c8df80adc5e73eeb28b2d7618c0274e690d');
CREATE TABLE documents(
  doc_id TEXT PRIMARY KEY, source TEXT NOT NULL, source_kind TEXT NOT NULL, media_type TEXT NOT NULL,
  title TEXT NOT NULL, date TEXT NOT NULL, language TEXT NOT NULL, details TEXT NOT NULL, text TEXT NOT NULL,
  kept_at REAL NOT NULL) WITHOUT ROWID;
INSERT INTO "documents" VALUES('42zhzczn2xlz3xnq','text:Owls','text','text/markdown','Owls','','','{"sections":[["Owls",1,0,96,["Owls"]],["Flight",2,96,192,["Owls","Flight"]]],"authors":[],"tags":[],"page_starts":[],"links":[],"metadata":{"charset":"utf-8"}}','# Owls

Owls are birds of prey that hunt at night. The barn owl locates mice by hearing alone.

## Flight

The feathers of an owl make almost no sound in flight.

Owls cannot move their eyes.
',1700000010.0);
INSERT INTO "documents" VALUES('6mgbwxgdbh6jocxb','text:Sparrows – moineaux','text','text/markdown','Sparrows – moineaux','','','{"sections":[["",0,0,57,[]]],"authors":[],"tags":[],"page_starts":[],"links":[],"metadata":{"charset":"utf-8"}}','Les moineaux vivent près de l’homme. 麻雀 live near people.',1700000020.0);
INSERT INTO "documents" VALUES('a4rndai6iayydqq3','text:Kept page','text','text/markdown','Kept page','','','{"sections":[["",0,0,50,[]]],"authors":[],"tags":[],"page_starts":[],"links":[],"metadata":{"charset":"utf-8"}}','A page that was read once and is in no collection.',1700000020.0);
INSERT INTO "documents" VALUES('duviquyxuu4jh5c6','text:Owls','text','text/markdown','Owls','','','{"sections":[["Owls",1,0,96,["Owls"]],["Flight",2,96,162,["Owls","Flight"]]],"authors":[],"tags":[],"page_starts":[],"links":[],"metadata":{"charset":"utf-8"}}','# Owls

Owls are birds of prey that hunt at night. The barn owl locates mice by hearing alone.

## Flight

The feathers of an owl make almost no sound in flight.
',1700000000.0);
INSERT INTO "documents" VALUES('k6zuxappjmojg4a5','text:Foxes','text','text/markdown','Foxes','','','{"sections":[["Foxes",1,0,85,["Foxes"]],["Diet",2,85,182,["Foxes","Diet"]],["Speed",2,182,233,["Foxes","Speed"]]],"authors":[],"tags":[],"page_starts":[],"links":[],"metadata":{"charset":"utf-8"}}','# Foxes

The red fox is the largest of the true foxes. It lives on four continents.

## Diet

Foxes eat small rodents, birds and berries. A grown fox needs 500 grams of food a day.

## Speed

A fox can run at 48 kilometres per hour.
',1700000000.0);
CREATE TABLE files(
  collection TEXT NOT NULL, source TEXT NOT NULL, size INTEGER NOT NULL, mtime INTEGER NOT NULL, doc_id TEXT NOT NULL,
  PRIMARY KEY(collection, source)) WITHOUT ROWID;
INSERT INTO "files" VALUES('birds','text:Sparrows – moineaux',55,1699999999000000000,'6mgbwxgdbh6jocxb');
CREATE TABLE jobs(
  job_id TEXT PRIMARY KEY, kind TEXT NOT NULL, collection TEXT NOT NULL, state TEXT NOT NULL,
  done INTEGER NOT NULL, total INTEGER NOT NULL, report TEXT NOT NULL, updated REAL NOT NULL) WITHOUT ROWID;
INSERT INTO "jobs" VALUES('job_00000001','add','default','running',0,0,'{}',1700000020.0);
CREATE TABLE journal(generation INTEGER NOT NULL, collection TEXT NOT NULL, doc_id TEXT NOT NULL);
INSERT INTO "journal" VALUES(1,'default','k6zuxappjmojg4a5');
INSERT INTO "journal" VALUES(1,'default','duviquyxuu4jh5c6');
INSERT INTO "journal" VALUES(2,'default','duviquyxuu4jh5c6');
INSERT INTO "journal" VALUES(2,'default','42zhzczn2xlz3xnq');
INSERT INTO "journal" VALUES(3,'birds','6mgbwxgdbh6jocxb');
CREATE TABLE members(
  collection TEXT NOT NULL, doc_id TEXT NOT NULL, source TEXT NOT NULL, tags TEXT NOT NULL,
  began INTEGER NOT NULL, ended INTEGER, PRIMARY KEY(collection, doc_id, began)) WITHOUT ROWID;
INSERT INTO "members" VALUES('birds','6mgbwxgdbh6jocxb','text:Sparrows – moineaux','[]',3,NULL);
INSERT INTO "members" VALUES('default','42zhzczn2xlz3xnq','text:Owls','[]',2,NULL);
INSERT INTO "members" VALUES('default','duviquyxuu4jh5c6','text:Owls','[]',1,2);
INSERT INTO "members" VALUES('default','k6zuxappjmojg4a5','text:Foxes','[]',1,NULL);
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "meta" VALUES('format','1');
INSERT INTO "meta" VALUES('generation','3');
CREATE TABLE passages(
  passage_id INTEGER PRIMARY KEY AUTOINCREMENT, collection TEXT NOT NULL, doc_id TEXT NOT NULL,
  start INTEGER NOT NULL, end INTEGER NOT NULL, heading TEXT NOT NULL, encoded INTEGER NOT NULL DEFAULT 0);
INSERT INTO "passages" VALUES(1,'default','k6zuxappjmojg4a5',0,83,'["Foxes"]',1);
INSERT INTO "passages" VALUES(2,'default','k6zuxappjmojg4a5',85,180,'["Foxes", "Diet"]',1);
INSERT INTO "passages" VALUES(3,'default','k6zuxappjmojg4a5',182,232,'["Foxes", "Speed"]',1);
INSERT INTO "passages" VALUES(4,'default','duviquyxuu4jh5c6',0,94,'["Owls"]',0);
INSERT INTO "passages" VALUES(5,'default','duviquyxuu4jh5c6',96,161,'["Owls", "Flight"]',0);
INSERT INTO "passages" VALUES(6,'default','42zhzczn2xlz3xnq',0,94,'["Owls"]',1);
INSERT INTO "passages" VALUES(7,'default','42zhzczn2xlz3xnq',96,191,'["Owls", "Flight"]',1);
INSERT INTO "passages" VALUES(8,'birds','6mgbwxgdbh6jocxb',0,57,'[]',0);
CREATE INDEX documents_by_source ON documents(source, kept_at);
CREATE INDEX members_by_source ON members(collection, source) WHERE ended IS NULL;
CREATE INDEX passages_by_document ON passages(collection, doc_id);
CREATE INDEX passages_to_encode ON passages(collection, passage_id) WHERE encoded = 0;
CREATE INDEX journal_by_generation ON journal(generation, collection);
CREATE INDEX journal_by_collection ON journal(collection, generation);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('passages',8);
COMMIT;
