r"""TeX to Unicode: cases of our own, 60 real titles and abstracts by their id, the whole corpus, and hostile text.

Of real abstracts only the formulas are here, as they must come out; the abstracts themselves are in ../shared.
"""
# ruff: noqa: RUF001 - the signs are meant

import gzip
import json
import random
import re
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.text import fold, unicode

RECORDS = Path(__file__).parent.parent.parent / "shared" / "internet" / "data"
real = pytest.mark.skipif(not (RECORDS / "arxiv.jsonl.gz").exists(), reason=f"the recorded papers are not in {RECORDS}")

TITLES = (
    (
        "arxiv:2501.04742",
        "Meta-learning-based percussion transcription and tāla identification from low-resource audio",
    ),
    ("arxiv:2501.07897", "Bridge-SR: Schrödinger Bridge for Efficient SR"),
    ("arxiv:2503.21337", "A 71.2-μW Speech Recognition Accelerator with Recurrent Spiking Neural Network"),
    ("arxiv:2504.00750", "C²AV-TSE: Context and Confidence-aware Audio Visual Target Speaker Extraction"),
    (
        "arxiv:2504.19146",
        "Muyan-TTS: A Trainable Text-to-Speech Model Optimized for Podcast Scenarios with a $50K Budget",
    ),
    (
        "arxiv:2505.11079",
        "ALLM4ADD: Unlocking the Capabilities of Audio Large Language Models for Audio Deepfake Detection",
    ),
    (
        "arxiv:2506.13127",
        "I²S-TFCKD: Intra-Inter Set Knowledge Distillation with Time-Frequency Calibration for Speech Enhancement",
    ),
    ("hf:2501.06252", "Transformer²: Self-adaptive LLMs"),
    ("hf:2502.12115", "SWE-Lancer: Can Frontier LLMs Earn $1 Million from Real-World Freelance Software Engineering?"),
    ("hf:2502.11433", "FLAG-Trader: Fusion LLM-Agent with Gradient-based Reinforcement Learning for Financial Trading"),
    ("hf:2502.12853", "S²R: Teaching LLMs to Self-verify and Self-correct via Reinforcement Learning"),
    ("hf:2502.15681", "One-step Diffusion Models with f-Divergence Distribution Matching"),
    ("hf:2503.04725", "L²M: Mutual Information Scaling Law for Long-Context Language Modeling"),
    ("hf:2503.08120", "UniF²ace: Fine-grained Face Understanding and Generation with Unified Multimodal Models"),
    ("hf:2503.09642", "Open-Sora 2.0: Training a Commercial-Level Video Generation Model in $200k"),
    (
        "hf:2503.13288",
        "ϕ-Decoding: Adaptive Foresight Sampling for Balanced Inference-Time Exploration and Exploitation",
    ),
    ("hf:2503.21779", "X²-Gaussian: 4D Radiative Gaussian Splatting for Continuous-time Tomographic Reconstruction"),
    (
        "hf:2504.08192",
        "SAEs Can Improve Unlearning: Dynamic Sparse Autoencoder Guardrails for Precision Unlearning in LLMs",
    ),
    ("hf:2504.09454", "D²iT: Dynamic Diffusion Transformer for Accurate Image Generation"),
    (
        "hf:2504.17821",
        "VideoVista-CulturalLingo: 360° Horizons-Bridging Cultures, Languages, and Domains in Video Comprehension",
    ),
    ("hf:2504.19395", "ICL CIPHERS: Quantifying “Learning” in In-Context Learning via Substitution Ciphers"),
    ("hf:2505.07819", "H³DP: Triply-Hierarchical Diffusion Policy for Visuomotor Learning"),
    (
        "hf:2505.07675",
        "Simple Semi-supervised Knowledge Distillation from Vision-Language Models via Dual-Head Optimization",
    ),
    ("hf:2505.15270", "Scaling Diffusion Transformers Efficiently via μP"),
    ("hf:2505.16192", "VLM-R³: Region Recognition, Reasoning, and Refinement for Enhanced Multimodal Chain-of-Thought"),
    ("hf:2505.18092", "QwenLong-CPRS: Towards ∞-LLMs with Dynamic Context Optimization"),
    ("hf:2505.24517", "un²CLIP: Improving CLIP's Visual Detail Capturing Ability via Inverting unCLIP"),
    ("hf:2505.16994", "R²ec: Towards Large Recommender Models with Reasoning"),
    (
        "hf:2506.02510",
        "M³FinMeeting: A Multilingual, Multi-Sector, and Multi-Task Financial Meeting Understanding Evaluation Dataset",
    ),
    (
        "hf:2506.01320",
        "Ψ-Sampler: Initial Particle Sampling for SMC-Based Inference-Time Reward Alignment in Score Models",
    ),
    ("hf:2506.20911", "FaSTA*: Fast-Slow Toolpath Agent with Subroutine Mining for Efficient Multi-turn Image Editing"),
    ("hf:2506.19852", "Radial Attention: O(n log n) Sparse Attention with Energy Decay for Long Video Generation"),
)

FORMULAS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("arxiv:2412.20359", ("languages (Demo",)),
    ("arxiv:2501.03805", ("A³T",)),
    ("arxiv:2501.15744", ("(L_(p,A,s,4m)", "r_C)", "L_(A,90)", "(N₉₀)", "(M_(A,eq))", "(≥50")),
    ("arxiv:2502.02424", ("55 %.",)),
    ("arxiv:2502.05435", ("O(L^(-1/2))",)),
    ("arxiv:2503.15576", ("Doñana",)),
    ("arxiv:2503.21337", ("71.2-μW", "GOPS/mm²")),
    ("arxiv:2504.03289", ("RWKV-7, a",)),
    ("arxiv:2504.08907", ("25.72°-a", "88.52°")),
    ("arxiv:2504.12880", ("37%ₚ", "3.3%ₚ")),
    ("arxiv:2504.14735", ("“Differentiable",)),
    ("arxiv:2504.14832", ("temporal-aware robust watermarking (True)",)),
    ("arxiv:2505.00550", ("sub-30 ms",)),
    ("arxiv:2505.04419", ("Rāga",)),
    ("arxiv:2505.14723", ("60–73×", "83–700×,")),
    ("arxiv:2505.20341", ("<text, speech>",)),
    ("arxiv:2505.24493", ("experiments' results",)),
    ("arxiv:2506.00145", ("models.¹",)),
    ("arxiv:2309.09652", ("x₀", "ϵ₀.")),
    ("arxiv:2410.23323", ("6,000-hour", "F₁", "vs. ", "30–40%")),
    ("arxiv:2506.10574", ("model’s ability",)),
    ("arxiv:2506.18954", ("α-stable", "(α ∈")),
    ("arxiv:2506.23030", ("128 × 512",)),
    ("arxiv:2506.23986", ("ms. (Speech samples: https://dukguo.github.io/StreamFlow/)",)),
    ("arxiv:2507.02599", ("PadéNets",)),
    ("arxiv:2507.04094", ("τ",)),
    ("hf:2412.14689", ("GPT-{n}",)),
    ("hf:2501.04377", ("O(n⁴)", "(VAR)")),
    ("hf:2501.11873", ("N_E ∑ᵢ₌₁^(N_E) fᵢ pᵢ,",)),
    ("hf:2501.13826", ("Δknowledge",)),
    ("hf:2502.04313", ("“AI Oversight”",)),
    ("hf:2503.00714", ("289×", "$4 per hour")),
    ("hf:2503.07426", ("(β → ∞)",)),
    ("hf:2503.10622", ("DyT(x) = tanh(α x),", "S-shaped")),
    ("hf:2503.14456", ("TC⁰.",)),
    ("hf:2503.20198", ("SD3.5 Large and GPT4o with DALL-E 3 in",)),
    ("hf:2503.21732", ("1024³",)),
    ("hf:2504.05262", ("2⁶⁴", "7 → y", "A+B ≠ B+A")),
    ("hf:2504.08736", ("3 billion",)),
    ("hf:2504.17432", ("MLLM's",)),
    ("hf:2504.20752", ("ϕᵣ",)),
    ("hf:2505.01043", ("components–such", "gradients–each")),
    ("hf:2505.02005", ("(>6.5km²)",)),
    ("hf:2505.07819", ("Policy (H³DP)", "+27.5%")),
    ("hf:2505.10475", ("O(log P)",)),
    ("hf:2505.13718", ("HumanEval⁺", "(≤100")),
    ("hf:2505.14640", ("(>25%)",)),
    ("hf:2505.16968", ("(CUDA ↔ HIP)", "SASS ↔ AMD")),
    ("hf:2505.16990", ("(response length)/3.",)),
    ("hf:2505.19427", ("ℓ₂-norms",)),
    ("hf:2505.20755", ("ImageNet-64×64", "1.46")),
    ("hf:2506.01674", ("Θ(40K)",)),
    ("hf:2506.03614", ("(image, ID)", "{(patch, ID)}")),
    ("hf:2506.08060", ("O((m V)/ε² log m/δ)", "O(d/ε)", "O(1/ε² log 1/δ)")),
    ("hf:2506.09937", ("π₀-FAST",)),
    ("hf:2506.13750", ("(I₁,I₂,I₃)",)),
    ("hf:2506.16406", ("https://jerryliang24.github.io/DnD.", "12,000× lower")),
    ("hf:2506.19852", ("O(n log n)", "O(n²)", "1.9×")),
    ("hf:2506.21520", ("∼70K 360° car",)),
    ("hf:2507.06223", ("E²R-FLOPs", "(e.g.")),
)

OWN = (
    (r"$\alpha$-stable and $\Omega$", "α-stable and Ω"),
    (r"\textit{de novo}, \emph{really}, {\em so}, {\bf B}old", "de novo, really, so, Bold"),
    (r"\textbf{\underline{t}}ext", "text"),
    (r"{\"o} \"a \'{e} \`e \^{\i} \~n \c{c} \v{S} \H{o} \k{a} \=a \.z \r{u} \u{g}", "ö ä é è î ñ ç Š ő ą ā ż ů ğ"),
    (r"\AA ngstr\"om, \O{}re, S\o ren, Stra\ss e, \L{}ukasz, {\ae}on", "Ångström, Øre, Søren, Straße, Łukasz, æon"),
    (r"$O(n\log n)$ and $\mathcal{O}(n \log n)$", "O(n log n) and O(n log n)"),
    (r"$\mathbb{R}^d$, $\mathbb{E}[X]$, $\mathbb{1}$", "ℝᵈ, 𝔼[X], 𝟙"),
    (r"$x_i^2$, $a_{ij}$, $x_{t-1}$, $x^{n+1}$, $x^{(i)}$", "xᵢ², aᵢⱼ, xₜ₋₁, xⁿ⁺¹, x⁽ⁱ⁾"),
    (r"$10^{-3}$, $2^{64}$, CO$_2$, H$_2$O, $^{13}$C", "10⁻³, 2⁶⁴, CO₂, H₂O, ¹³C"),
    (r"$\theta_{\text{test}}$, $W_{\max}$, $N_E$", "θ_test, Wₘₐₓ, N_E"),
    (r"$e^{i\pi}+1=0$, $2^{O(n)}$, $n^{1/2}$", "e^(iπ)+1=0, 2^(O(n)), n^(1/2)"),
    (r"5$^{th}$, $1^{\text{st}}$, A$^*$, $x^\dagger$, $A^\top$, $f'(x)$", "5th, 1st, A*, x†, Aᵀ, f′(x)"),
    (r"$25^\circ$C, 360{\deg}, $45\degree$", "25°C, 360°, 45°"),
    (r"\textsuperscript{2} and \textsubscript{i}", "² and ᵢ"),
    (r"as shown~\cite{a,b}. See \citep{c}, \ref{fig}", "as shown. See,"),
    (r"\url{https://example.org/a--b_c~d}", "https://example.org/a--b_c~d"),
    (r"\href{https://example.org}{the code} or \href{https://example.org}", "the code or https://example.org"),
    (r"\hyperlink{https://example.org/x}{there}, \textcolor[rgb]{1,0,0}{red}", "there, red"),
    (r"5\%, $\%$, $50\%$, A\&B, \#1, a\_b, \{x\}", "5%, %, 50%, A&B, #1, a_b, {x}"),
    ("Mamba~2, a~\\cite{x} b, (CUDA~$\\leftrightarrow$~HIP)", "Mamba 2, a b, (CUDA ↔ HIP)"),
    ("~50 of them, 5~10, 60%~70%, a ~ b", "~50 of them, 5~10, 60%~70%, a ~ b"),
    ("pages 1--2, so---or not, a --flag, \\texttt{--flag}", "pages 1–2, so—or not, a --flag, --flag"),
    ("``one'', ''two'', ``three\", \"four''", "“one”, “two”, “three”, “four”"),
    (r"$3\times4$, $64\times 64$, $3 \times 3$, 9$\times$ faster", "3×4, 64×64, 3 × 3, 9× faster"),
    (r"$\sim$1,000, $\sim 5$, $\approx$90, $\leq 1$, $\pm$3", "∼1,000, ∼5, ≈90, ≤1, ±3"),
    (r"$x \leq y$, $a \neq b$, $x\in\{0,1\}^n$, $\not\in$", "x ≤ y, a ≠ b, x∈{0,1}ⁿ, ∉"),
    (r"$\mathcal{L}$, $\mathbf{x}$, $\mathrm{CO}_2$, $\mathsf{TC}^0$, $\boldsymbol{\mu}$", "L, x, CO₂, TC⁰, μ"),
    (r"$\text{if } x>0$, $\operatorname{argmax}_y$", "if x>0, argmax_y"),
    (r"$\frac{1}{2}$, $\frac12$, $\frac{a+b}{c}$, $\tfrac{x}{y_1}$, $2\frac{1}{2}$", "1/2, 1/2, (a+b)/c, x/y₁, 2 1/2"),
    (r"$\sqrt{2}$, $\sqrt{n+1}$, $\sqrt[3]{x}$, $1/\sqrt n$", "√2, √(n+1), ∛x, 1/√n"),
    (r"$\hat{y}$, $\bar{x}$, $\tilde x$, $\vec{v}$, $t\bar{a}la$, $\hat{xy}$", "ŷ, x̄, x̃, v⃗, tāla, xy"),
    (r"$\sum_{i=1}^{n} x_i$, $\int_0^1 f(x)\,dx$", "∑ᵢ₌₁ⁿ xᵢ, ∫₀¹ f(x) dx"),
    (r"$\lim_{n\to\infty}$, $\log_2 n$, $\sin^2\theta$", "lim_(n→∞), log₂ n, sin² θ"),
    (r"$\arg\min_x f(x)$, $\max\{a,b\}$", "arg minₓ f(x), max{a,b}"),
    (r"$p(y\mid x)$, $\|x\|_2$, $\langle x,y\rangle$, $\lfloor x\rfloor$", "p(y | x), ‖x‖₂, ⟨x,y⟩, ⌊x⌋"),
    (r"$\left(\frac{m}{\delta}\right)$, $\left. x \right|_0$", "(m/δ), x |₀"),
    (r"$\Delta E$, $\nabla_\theta J$, $\forall x\exists y$", "ΔE, ∇_θ J, ∀x∃y"),
    (r"$A \Rightarrow B$, $f: X \to Y$, $a \mapsto b$, $p \iff q$", "A ⇒ B, f: X → Y, a ↦ b, p ⟺ q"),
    (r"$\binom{n}{k}$, $x \bmod n$, $\stackrel{d}{=}$", "(n choose k), x mod n, =ᵈ"),
    (r"$\begin{pmatrix}a&b\\c&d\end{pmatrix}$", "a b c d"),
    (r"\begin{itemize}\item one \item two\end{itemize}", "• one • two"),
    (r"\(\alpha\), \[x^2\], $$E=mc^2$$", "α, x², E=mc²"),
    (r"unbalanced $\alpha and {so on", "unbalanced α and so on"),
    (r"an end$ (too), x$ and \textbf{more", "an end (too), x and more"),
    ("$5 and $10, US$5, 100$, $50K, $0.005", "$5 and $10, US$5, 100$, $50K, $0.005"),
    (r"\$5 and \$6, $\$4$ per hour, ($148K)", "$5 and $6, $4 per hour, ($148K)"),
    ("Ke$ha and A$AP, a $ sign", "Ke$ha and A$AP, a $ sign"),
    ("$5 million for $x^2$ and $6", "$5 million for x² and $6"),
    (r"($>$25%), 5$-$10, $<$3", "(>25%), 5-10, <3"),
    (r"$\texttt{M$^3$Fin}$ and $\textbf{a (\textbf{H$^{\mathbf{3}}$D})}$", "M³Fin and a (H³D)"),
    (r"one\nTwo\n\nthree\r\nfour and $\nu \neq \nabla$", "one Two three four and ν ≠ ∇"),
    (r'$\\alpha$ and \\textbf{x}, {\\"o}', "α and x, ö"),
    (r"the model\'s and models\' use; \"quoted words\" here", "the model's and models' use; \"quoted words\" here"),
    (r"model\^a\u{A}\'Zs", "model’s"),
    (r"text$\unicode{x2013}$even", "text–even"),
    (r"\ie, this, \eg\ that, A \etal{} said", "i.e., this, e.g. that, A et al. said"),
    (r"\method{} beats \model by \foo{much}, \InfR~ too", "method beats model by much, InfR too"),
    (r"AC\DC and\or", "AC/DC and/or"),
    (r"said.\footnote{See \url{https://example.org}.} And", "said. (See https://example.org) And"),
    (r"6{,}000, a {DOPE} name, $\{n\}$, {a, b}", "6,000, a DOPE name, {n}, a, b"),
    ("a set {a, b} and a {DOPE Name}", "a set {a, b} and a DOPE Name"),
    (r"\LaTeX{} and \TeX; \S 3, \copyright 2026", "LaTeX and TeX; § 3, © 2026"),
    (r"vs.\ that, 55\,\%, a\\b, a\ b, a\-b", "vs. that, 55 %, a b, a b, ab"),
    ("C++, C#, x^2 + y_1, 100%, R&D", "C++, C#, x^2 + y_1, 100%, R&D"),
    ("https://example.org/~me/a--b and more", "https://example.org/~me/a--b and more"),
    ("面向 $\\alpha$ 的语音, عربي $x_1$", "面向 α 的语音, عربي x₁"),
    ("$\\mathbf{\\texttt{D}}$ual-$\\mathbf{\\texttt{H}}$ead", "Dual-Head"),
    (r"\emph{}a, \url{}b, {}c, \cite{}d", "a, b, c, d"),
)

PIECES = (
    *("\\", "$", "$a", "\\frac", "\\begin{", "^{", "{", "{a^", "\\(", "$x$1", "\\'", "}", "$\\alpha", "${", "$}", "~"),
    *(
        "``",
        "''",
        "--",
        "\\textbf{",
        "\\href{",
        "\\cite[",
        "[",
        "\\sqrt[",
        "$^",
        "$_",
        "$a_",
        "\\n",
        "\\\\",
        "$$",
        "$$a",
    ),
    *("\\hat", 'a "', "``a ", "http://", "https://a~", "\\left", "$(", "\\unicode{x", "$\\not", '\\"a', "$ a", "$5 "),
    *("$\\log", "$\\times ", "\\footnote{", "$\\frac{", "( ", "\\mathbb{", "word ", "\u0301", "語"),
)


@cache
def records() -> dict[str, tuple[str, str]]:
    """Titles and abstracts of the recorded papers by "arxiv:ID" and "hf:ID"."""
    found = {}
    for name in ("arxiv", "hf"):
        with gzip.open(RECORDS / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            for line in lines:
                record = json.loads(line)
                found[f"{name}:{record['id']}"] = (record["title"], record["abstract"])
    return found


def strays(text: str) -> list[str]:
    """Backslashes, and dollar signs that are no money, with what is around them."""
    money = re.compile(r"\$ ?\d|(?<=\d)\$")
    signs = re.finditer(r"\\|\$", money.sub(lambda match: " " * len(match[0]), text))
    return [text[max(0, sign.start() - 30) : sign.start() + 30] for sign in signs]


@pytest.mark.parametrize(("tex", "expected"), OWN)
def test_own_cases(tex: str, expected: str) -> None:
    assert unicode(tex) == expected


def test_there_are_enough_cases() -> None:
    assert len(OWN) >= 60
    assert len(TITLES) + len(FORMULAS) >= 60
    assert len({case[0] for case in TITLES}) == len(TITLES)
    assert len({case[0] for case in FORMULAS}) == len(FORMULAS)


@real
@pytest.mark.parametrize(("paper", "expected"), TITLES, ids=[paper for paper, _ in TITLES])
def test_real_titles(paper: str, expected: str) -> None:
    assert unicode(records()[paper][0]) == expected


@real
@pytest.mark.parametrize(("paper", "formulas"), FORMULAS, ids=[paper for paper, _ in FORMULAS])
def test_real_abstracts(paper: str, formulas: tuple[str, ...]) -> None:
    abstract = unicode(records()[paper][1])
    assert [formula for formula in formulas if formula not in abstract] == []
    assert strays(abstract) == []
    assert not re.search(r"[_^]\{|\}\{|\{\}|``|''", abstract)


@real
def test_no_backslash_and_no_dollar_is_left_in_the_whole_corpus() -> None:
    """Money stays: that is checked by `strays`. Braces only stay as sets."""
    texts = [text for record in records().values() for text in record]
    start = time.process_time()
    converted = [unicode(text) for text in texts]
    assert time.process_time() - start < 5
    assert [stray for text in converted for stray in strays(text)] == []
    assert [text for text in converted if re.search(r"[_^]\{|``|''|\{\}", text)] == []
    assert sum("\\" in text or "$" in text for text in texts) > 400


@real
def test_what_is_converted_is_converted_once() -> None:
    """But for the sets in braces."""
    converted = [unicode(text) for record in records().values() for text in record]
    assert [text for text in converted if "{" not in text and unicode(text) != text] == []


@pytest.mark.parametrize("piece", PIECES)
def test_hostile_text_takes_little_time(piece: str) -> None:
    text = (piece * (20_000 // len(piece) + 1))[:20_000]
    start = time.process_time()
    assert len(unicode(text)) <= 3 * len(text)
    assert time.process_time() - start < 0.2


def test_mixed_hostile_text_takes_little_time() -> None:
    chance = random.Random(4)
    for _ in range(20):
        some = chance.sample(PIECES, 4)
        text = "".join(chance.choice(some) for _ in range(20_000))[:20_000]
        start = time.process_time()
        unicode(text)
        assert time.process_time() - start < 0.2


def words() -> Iterator[st.SearchStrategy[str]]:
    yield st.text(st.characters(), max_size=60)
    yield st.lists(st.sampled_from(PIECES) | st.characters(), max_size=30).map("".join)


@settings(max_examples=400)
@given(st.one_of(*words()))
def test_never_raises_and_never_grows_threefold(tex: str) -> None:
    found = unicode(tex)
    assert fold(found) == found
    assert len(found) <= 3 * len(tex)


@given(st.text(st.characters(exclude_characters="\\$~{`'-"), max_size=200))
def test_plain_text_stays(plain: str) -> None:
    assert unicode(plain) == fold(plain)


@given(st.lists(st.sampled_from(("word", "α", "x²", "50%", "$5", "(a, b)", "R&D", "5–10", "“q”", "C#")), max_size=20))
def test_what_needs_nothing_is_left_alone(parts: list[str]) -> None:
    assert unicode(unicode(" ".join(parts))) == unicode(" ".join(parts)) == " ".join(parts)
