"""French conjugation: tenses, participles, imperatives."""

import pytest

from tests.phrasebook import lexicon
from tests.phrasebook.grammar.conjugation import (
    PERSONS,
    SIMPLE_TENSES,
    agree,
    conjugate,
    imperative,
    past_participle,
)

TABLE = [
    ("être", "présent", "suis es est sommes êtes sont"),
    ("être", "imparfait", "étais étais était étions étiez étaient"),
    ("être", "futur", "serai seras sera serons serez seront"),
    ("être", "subjonctif", "sois sois soit soyons soyez soient"),
    ("avoir", "présent", "ai as a avons avez ont"),
    ("avoir", "conditionnel", "aurais aurais aurait aurions auriez auraient"),
    ("avoir", "subjonctif", "aie aies ait ayons ayez aient"),
    ("aller", "présent", "vais vas va allons allez vont"),
    ("aller", "futur", "irai iras ira irons irez iront"),
    ("aller", "subjonctif", "aille ailles aille allions alliez aillent"),
    ("faire", "présent", "fais fais fait faisons faites font"),
    ("faire", "imparfait", "faisais faisais faisait faisions faisiez faisaient"),
    ("faire", "futur", "ferai feras fera ferons ferez feront"),
    ("faire", "subjonctif", "fasse fasses fasse fassions fassiez fassent"),
    ("venir", "présent", "viens viens vient venons venez viennent"),
    ("venir", "subjonctif", "vienne viennes vienne venions veniez viennent"),
    ("revenir", "futur", "reviendrai reviendras reviendra reviendrons reviendrez reviendront"),
    ("pouvoir", "présent", "peux peux peut pouvons pouvez peuvent"),
    ("pouvoir", "futur", "pourrai pourras pourra pourrons pourrez pourront"),
    ("vouloir", "conditionnel", "voudrais voudrais voudrait voudrions voudriez voudraient"),
    ("vouloir", "subjonctif", "veuille veuilles veuille voulions vouliez veuillent"),
    ("devoir", "présent", "dois dois doit devons devez doivent"),
    ("savoir", "présent", "sais sais sait savons savez savent"),
    ("savoir", "subjonctif", "sache saches sache sachions sachiez sachent"),
    ("voir", "futur", "verrai verras verra verrons verrez verront"),
    ("voir", "subjonctif", "voie voies voie voyions voyiez voient"),
    ("croire", "imparfait", "croyais croyais croyait croyions croyiez croyaient"),
    ("boire", "présent", "bois bois boit buvons buvez boivent"),
    ("boire", "subjonctif", "boive boives boive buvions buviez boivent"),
    ("prendre", "présent", "prends prends prend prenons prenez prennent"),
    ("apprendre", "subjonctif", "apprenne apprennes apprenne apprenions appreniez apprennent"),
    ("mettre", "présent", "mets mets met mettons mettez mettent"),
    ("dire", "présent", "dis dis dit disons dites disent"),
    ("lire", "imparfait", "lisais lisais lisait lisions lisiez lisaient"),
    ("écrire", "présent", "écris écris écrit écrivons écrivez écrivent"),
    ("conduire", "présent", "conduis conduis conduit conduisons conduisez conduisent"),
    ("connaître", "présent", "connais connais connaît connaissons connaissez connaissent"),
    ("recevoir", "présent", "reçois reçois reçoit recevons recevez reçoivent"),
    ("dormir", "présent", "dors dors dort dormons dormez dorment"),
    ("courir", "futur", "courrai courras courra courrons courrez courront"),
    ("ouvrir", "présent", "ouvre ouvres ouvre ouvrons ouvrez ouvrent"),
    ("peindre", "présent", "peins peins peint peignons peignez peignent"),
    ("asseoir", "présent", "assieds assieds assied asseyons asseyez asseyent"),
    ("finir", "présent", "finis finis finit finissons finissez finissent"),
    ("vendre", "présent", "vends vends vend vendons vendez vendent"),
    ("attendre", "futur", "attendrai attendras attendra attendrons attendrez attendront"),
    ("manger", "présent", "mange manges mange mangeons mangez mangent"),
    ("manger", "imparfait", "mangeais mangeais mangeait mangions mangiez mangeaient"),
    ("commencer", "imparfait", "commençais commençais commençait commencions commenciez commençaient"),
    ("acheter", "présent", "achète achètes achète achetons achetez achètent"),
    ("acheter", "futur", "achèterai achèteras achètera achèterons achèterez achèteront"),
    ("appeler", "présent", "appelle appelles appelle appelons appelez appellent"),
    ("jeter", "futur", "jetterai jetteras jettera jetterons jetterez jetteront"),
    ("préférer", "présent", "préfère préfères préfère préférons préférez préfèrent"),
    ("préférer", "futur", "préférerai préféreras préférera préférerons préférerez préféreront"),
    ("essayer", "présent", "essaie essaies essaie essayons essayez essaient"),
    ("nettoyer", "futur", "nettoierai nettoieras nettoiera nettoierons nettoierez nettoieront"),
    ("envoyer", "futur", "enverrai enverras enverra enverrons enverrez enverront"),
    ("installer", "présent", "installe installes installe installons installez installent"),
    ("étudier", "imparfait", "étudiais étudiais étudiait étudiions étudiiez étudiaient"),
]


@pytest.mark.parametrize(("infinitive", "tense", "forms"), TABLE, ids=[f"{verb} {tense}" for verb, tense, _ in TABLE])
def test_conjugation(infinitive: str, tense: str, forms: str) -> None:
    assert conjugate(infinitive, tense) == tuple(forms.split())


@pytest.mark.parametrize(
    ("infinitive", "participle"),
    [
        ("manger", "mangé"),
        ("finir", "fini"),
        ("vendre", "vendu"),
        ("être", "été"),
        ("avoir", "eu"),
        ("faire", "fait"),
        ("dire", "dit"),
        ("voir", "vu"),
        ("prendre", "pris"),
        ("mettre", "mis"),
        ("venir", "venu"),
        ("ouvrir", "ouvert"),
        ("naître", "né"),
        ("vivre", "vécu"),
        ("devoir", "dû"),
        ("boire", "bu"),
        ("peindre", "peint"),
        ("asseoir", "assis"),
        ("comprendre", "compris"),
        ("découvrir", "découvert"),
    ],
)
def test_past_participle(infinitive: str, participle: str) -> None:
    assert past_participle(infinitive) == participle


@pytest.mark.parametrize(
    ("infinitive", "forms"),
    [
        ("manger", "mange mangeons mangez"),
        ("aller", "va allons allez"),
        ("être", "sois soyons soyez"),
        ("avoir", "aie ayons ayez"),
        ("ouvrir", "ouvre ouvrons ouvrez"),
        ("finir", "finis finissons finissez"),
        ("prendre", "prends prenons prenez"),
        ("dire", "dis disons dites"),
        ("appeler", "appelle appelons appelez"),
    ],
)
def test_imperative(infinitive: str, forms: str) -> None:
    assert imperative(infinitive) == tuple(forms.split())


def test_participles_agree() -> None:
    assert [agree("pris", feminine=f, plural=p) for f in (False, True) for p in (False, True)] == [
        "pris",
        "pris",
        "prise",
        "prises",
    ]
    assert [agree("vu", feminine=f, plural=p) for f in (False, True) for p in (False, True)] == [
        "vu",
        "vus",
        "vue",
        "vues",
    ]
    assert agree("dû", feminine=True, plural=False) == "due"


def test_every_verb_of_the_lexicon_has_six_forms_in_every_tense() -> None:
    for verb in lexicon.verbs():
        head = verb.french.split(" ")[0]
        for tense in SIMPLE_TENSES:
            forms = conjugate(head, tense)
            assert len(forms) == len(PERSONS)
            assert all(form and form == form.strip() for form in forms)


def test_an_unknown_ending_is_refused() -> None:
    with pytest.raises(ValueError, match="choir"):
        conjugate("choir_", "présent")
    with pytest.raises(ValueError, match="passé simple"):
        conjugate("manger", "passé simple")
