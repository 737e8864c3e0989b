# The source of the notebook analysis.ipynb, cell by cell (percent format). Made of it, and run, by
# `python -m tests.docs.notebook`; a test compares the two. Lines are as long as a notebook shows them.
# ruff: noqa: E402, E501

# %% [markdown]
# # Ba tuần đầu tháng 7/2025 · The first three weeks of July 2025
#
# > **Số liệu ở đây là mô phỏng** (`./dev demo`): 66.000 hồ sơ của 126 phường, xã, ba tuần, sinh ra từ một hạt
# > giống. Không con số nào là của một nơi có thật. Vài lỗi được cố ý gửi vào sau đó, để phần cuối có gì mà tìm.
# >
# > **The figures are simulated** (`./dev demo`): 66,000 dossiers of 126 wards over three weeks, made from a
# > seed. No figure is that of a real place. A few faults were sent in on purpose afterwards, so that the last part
# > has something to find.
#
# Mọi câu hỏi được hỏi **tại một mốc** (as of a cut), nên chạy lại cùng mốc thì ra đúng những số này. Sổ chỉ đọc
# khung nhìn `v_*` và các câu hỏi có sẵn, bằng người dùng chỉ đọc. · Everything is asked **as of a cut**, so the same
# cut gives the same figures again. The notebook reads views `v_*` and saved questions only, as the read-only user.
#
# Sổ này làm từ `docs/analysis.py`; một bài kiểm thử chạy nó từ đầu đến cuối. · Made from `docs/analysis.py`; a test
# runs it top to bottom.

# %%
import os
import sys
from datetime import date, timedelta
from pathlib import Path

ROOT = next(folder for folder in (Path.cwd(), *Path.cwd().parents) if (folder / "sql").is_dir())
sys.path.insert(0, str(ROOT))

import clickhouse_connect
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Markdown, display
from matplotlib.ticker import FuncFormatter

from ops import settings
from streams.warehouse import as_of, questions

FIRST, LAST = date(2025, 7, 1), date(2025, 7, 21)
PERIOD = {"from": str(FIRST), "to": str(LAST)}
SQL = ROOT / "sql"

# %% [markdown]
# ## Kết nối và mốc · The connection and the cut
#
# Địa chỉ và người dùng lấy từ `DONGBO_*` như mọi lệnh khác. `NOTEBOOK_CUT` chọn một mốc; không đặt thì là
# mốc mới nhất. · Address and user come from `DONGBO_*` as for every command. `NOTEBOOK_CUT` names a cut;
# without it the newest is taken.

# %%
ours = settings.load()
client = clickhouse_connect.get_client(
    host=ours.clickhouse_host,
    port=ours.clickhouse_port,
    database=ours.clickhouse_database,
    username=ours.clickhouse_reader_user,
    password=ours.clickhouse_reader_password.get_secret_value(),
    autogenerate_session_id=False,
)
newest = client.query("SELECT max(number) FROM v_city_cut").result_rows[0][0]
CUT = os.environ.get("NOTEBOOK_CUT") or str(newest)
TRAVELS = as_of.travelling(SQL)
QUESTIONS = questions.load(SQL / "questions")


def ask(name, **given):
    """A saved question as of the cut; `from_` stands for `from`."""
    given = {key.rstrip("_"): str(value) for key, value in given.items()}
    sql, values = questions.prepared(QUESTIONS[name], given, questions.AsOf(CUT, TRAVELS))
    return client.query_df(sql, parameters=values)


def select(sql):
    """SQL over views, each rewritten to its form as of the cut."""
    return client.query_df(as_of.question_at(sql, TRAVELS), parameters={"as_of": CUT})


cut = select("SELECT number, at, covered, wards_total, events, missing, rejected FROM v_city_cut")
cut = cut[cut["number"] == int(CUT)].iloc[0]


# %%
TEAL, GREY, AMBER, RED = "#0f6674", "#9aa5ab", "#c8791b", "#b23a48"
plt.rcParams.update(
    {
        "figure.figsize": (8.6, 3.9),
        "figure.dpi": 90,
        "font.size": 9.5,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": GREY,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": "#e6eaec",
        "legend.frameon": False,
        "figure.constrained_layout.use": True,
    }
)


def whole(number):
    """66000 as it is written in Viet Nam: 66.000."""
    return f"{number:,.0f}".replace(",", ".")


def percent(share, digits=1):
    """0.973 as 97,3 %."""
    return f"{100 * share:.{digits}f} %".replace(".", ",")


def titled(ax, vi, en, x=None, y=None):
    """Vietnamese title, English below it, units on the axes."""
    ax.set_title(f"{vi}\n", loc="left", fontweight="bold", fontsize=11)
    ax.text(0, 1.02, en, transform=ax.transAxes, color="#5c676d", fontsize=9)
    if x is not None:
        ax.set_xlabel(x)
    if y is not None:
        ax.set_ylabel(y)


WHOLE = FuncFormatter(lambda number, _: whole(number))
PERCENT = FuncFormatter(lambda share, _: percent(share, 0))
display(
    Markdown(
        f"**Mốc {CUT}**, {cut['at']:%d/%m/%Y %H:%M:%S}: {cut['covered']}/{cut['wards_total']} phường, xã, "
        f"{whole(cut['events'])} sự kiện. · Cut {CUT}: {cut['covered']} of {cut['wards_total']} wards, "
        f"{cut['events']:,} events."
    )
)

# %% [markdown]
# ## 1. Tăng trưởng · The growth
#
# Câu hỏi `growth-by-week`: tuần là bảy ngày, nên cuối tuần có mặt trong mỗi cột như nhau. · Weeks are seven days, so
# each bar has the same weekdays.

# %%
days = ask("city-by-day", from_=FIRST, to=LAST)
days["day"] = pd.to_datetime(days["day"])
weeks = ask("growth-by-week", from_=FIRST, to=LAST)
weeks["week_from"] = pd.to_datetime(weeks["week_from"])

fig, (left, right) = plt.subplots(1, 2, width_ratios=(1.75, 1))
for day in days["day"]:
    if day.weekday() >= 5:
        left.axvspan(day - pd.Timedelta(hours=12), day + pd.Timedelta(hours=12), color="#f1f4f5", lw=0)
left.plot(days["day"], days["received"], color=TEAL, marker="o", ms=3.5, label="tiếp nhận · received")
left.plot(days["day"], days["resolved"], color=AMBER, marker="o", ms=3.5, label="xử lý xong · resolved")
left.set_xticks(days["day"][::4], [f"{day:%d/%m}" for day in days["day"][::4]])
left.set_ylim(0, 1.15 * days["received"].max())
left.yaxis.set_major_formatter(WHOLE)
left.legend(loc="upper left", ncols=2)
titled(
    left,
    "Hồ sơ mỗi ngày, cuối tuần nền xám",
    "Dossiers a day, weekends in grey",
    "ngày · day",
    "hồ sơ · dossiers",
)
bars = right.bar([f"{week:%d/%m}" for week in weeks["week_from"]], weeks["received"], color=TEAL, width=0.72)
right.bar_label(bars, [whole(number) for number in weeks["received"]], padding=2)
for place, growth in enumerate(weeks["growth"]):
    if pd.notna(growth):
        right.text(
            place,
            0.05 * weeks["received"].max(),
            f"{growth:+.1%}".replace(".", ","),
            ha="center",
            color="white",
            fontsize=8.5,
        )
right.yaxis.set_major_formatter(WHOLE)
right.grid(axis="x", visible=False)
titled(right, "Tiếp nhận mỗi tuần", "Received a week", "tuần từ · week from", "hồ sơ · dossiers")
plt.show()

first, last = weeks["received"].iloc[0], weeks["received"].iloc[-1]
display(
    Markdown(
        f"Từ tuần đầu đến tuần thứ ba số tiếp nhận tăng **{percent(last / first - 1)}** "
        f"({whole(first)} → {whole(last)}). · From the first week to the third it rose by {last / first - 1:.1%}."
    )
)

# %%
weekday = ask("weekday-profile", from_=FIRST, to=LAST)
fig, (left, right) = plt.subplots(1, 2, width_ratios=(1, 1.3))
online = weeks["online"] / weeks["received"]
left.plot([f"{week:%d/%m}" for week in weeks["week_from"]], online, color=TEAL, marker="o")
for place, value in enumerate(online):
    left.annotate(percent(value), (place, value), textcoords="offset points", xytext=(0, 7), ha="center")
left.set_ylim(0, 1)
left.margins(x=0.2)
left.yaxis.set_major_formatter(PERCENT)
titled(left, "Nộp trực tuyến", "Received online", "tuần từ · week from", "tỷ lệ · share")
height = np.array(
    [weekday["received_avg"] - weekday["received_min"], weekday["received_max"] - weekday["received_avg"]]
)
right.bar(
    weekday["weekday_vi"],
    weekday["received_avg"],
    color=TEAL,
    width=0.65,
    yerr=height,
    ecolor=GREY,
    capsize=3,
)
right.tick_params(axis="x", labelrotation=25)
right.yaxis.set_major_formatter(WHOLE)
right.grid(axis="x", visible=False)
titled(
    right,
    "Trung bình theo ngày trong tuần",
    "Mean by weekday; whiskers: the least and the most",
    None,
    "hồ sơ một ngày · dossiers a day",
)
plt.show()

# %% [markdown]
# ## 2. Phường, xã gặp khó · The wards that struggle
#
# Tỷ lệ quá hạn của một nơi ít hồ sơ dao động nhiều do ngẫu nhiên. Nên mỗi nơi được so với khoảng mà 99,8 % số nơi
# "như trung bình" sẽ nằm trong đó (giới hạn nhị thức, xấp xỉ chuẩn); chỉ nơi vượt ra ngoài mới đáng nói là khác. · The
# share of a ward with few dossiers varies much by chance. So each ward is held against the range in which 99.8% of wards
# "like the mean" would lie (binomial limits, normal approximation); only a ward beyond it differs in earnest.

# %%
wards = ask("wards-that-struggle", from_=FIRST, to=LAST, least=1)
mean = wards["overdue"].sum() / wards["resolved"].sum()
spread = 3.09 * np.sqrt(mean * (1 - mean) / wards["resolved"])
wards["beyond"] = wards["overdue_share"] > mean + spread
size = np.linspace(wards["resolved"].min(), wards["resolved"].max(), 200)
limit = 3.09 * np.sqrt(mean * (1 - mean) / size)
worst = wards[wards["beyond"]].head(6)

fig, ax = plt.subplots(figsize=(8.6, 4.4))
ax.fill_between(
    size,
    np.maximum(0, mean - limit),
    mean + limit,
    color="#eef2f3",
    lw=0,
    label="99,8 % ngẫu nhiên · by chance",
)
ax.axhline(mean, color=GREY, lw=1)
for beyond, color, label in ((False, TEAL, "trong khoảng · within"), (True, RED, "vượt khoảng · beyond")):
    some = wards[wards["beyond"] == beyond]
    ax.scatter(some["resolved"], some["overdue_share"], s=16, color=color, label=label)
for _, ward in worst.iterrows():
    spot = (ward["resolved"], ward["overdue_share"])
    right, apart = worst["resolved"] - spot[0], (worst["overdue_share"] - spot[1]).abs()
    crowded = bool(((right > 0) & (right < 250) & (apart < 0.012)).any())
    side, shift = ("right", -6) if crowded else ("left", 6)
    ax.annotate(
        ward["ward_name"],
        spot,
        textcoords="offset points",
        xytext=(shift, 0),
        ha=side,
        va="center",
        fontsize=8,
    )
ax.set_ylim(0, 1.22 * wards["overdue_share"].max())
ax.yaxis.set_major_formatter(FuncFormatter(lambda share, _: percent(share, 1)))
ax.xaxis.set_major_formatter(WHOLE)
ax.legend(loc="upper right", ncols=3)
titled(
    ax,
    f"Tỷ lệ quá hạn của từng phường, xã; toàn thành phố {percent(mean)}",
    f"Overdue share of each ward; the city {mean:.1%}",
    "hồ sơ xử lý xong · dossiers resolved",
    "tỷ lệ quá hạn · overdue share",
)
plt.show()
beyond = int(wards["beyond"].sum())
display(
    Markdown(
        f"**{beyond}** trong {len(wards)} phường, xã vượt khoảng ngẫu nhiên. · {beyond} of {len(wards)} wards are beyond "
        "what chance explains."
    )
)

# %%
load = wards.dropna(subset=["backlog_days"]).nlargest(12, "backlog_days").iloc[::-1]
fig, ax = plt.subplots(figsize=(8.6, 4.2))
bars = ax.barh(load["ward_name"], load["backlog_days"], color=TEAL, height=0.65)
ax.bar_label(bars, [f"{whole(number)} hồ sơ" for number in load["backlog"]], padding=3, fontsize=8)
middle = float(wards["backlog_days"].median())
ax.axvline(middle, color=AMBER, lw=1.4)
ax.text(middle, -0.9, " trung vị · median", color=AMBER, fontsize=8, va="top")
ax.margins(x=0.12)
ax.xaxis.set_major_formatter(FuncFormatter(lambda number, _: f"{number:.1f}".replace(".", ",")))
ax.grid(axis="y", visible=False)
titled(
    ax,
    "Hồ sơ tồn bằng bao nhiêu ngày làm, 12 nơi nhiều nhất",
    "The backlog in days of that ward's own pace, the 12 greatest",
    "ngày làm · days of work",
)
plt.show()

# %% [markdown]
# ## 3. Dự báo tuần tới · The forecast of next week
#
# Cách làm đơn giản và nói rõ: log(số tiếp nhận) = mức của thứ trong tuần + xu thế tuyến tính theo ngày, bình phương tối
# thiểu; khoảng dự báo 90 % theo phân phối t, gồm cả sai số ước lượng. **Kiểm lại trên tuần cuối**: chỉ dùng 1-14/7 để dự
# báo 15-21/7, so với số thật và với cách ngây thơ "như tuần trước". · The method is simple and open: log(received) = a level
# for each weekday + a linear trend, by least squares; a 90% prediction interval by the t distribution, with the error of
# the estimates. **Back-tested on the last week**: 1-14 July forecast 15-21 July, against what happened and against the
# naive "as the week before".

# %%
# Two-sided 90% quantiles of Student's t by degrees of freedom: days less seven weekdays and one slope.
T90 = {6: 1.943, 13: 1.771}


def design(days_since, weekdays):
    """A column a weekday and one of days since the first."""
    return np.column_stack([np.eye(7)[np.asarray(weekdays)], np.asarray(days_since, dtype=float)])


def forecast(history, dates):
    """Point, low and high a day, and of their sum: the mean on the scale of logarithms, taken back."""
    start = history["day"].iloc[0]
    known = design([(day - start).days for day in history["day"]], [day.weekday() for day in history["day"]])
    asked = design([(day - start).days for day in dates], [day.weekday() for day in dates])
    target = np.log(history["received"].to_numpy(dtype=float))
    found, *_ = np.linalg.lstsq(known, target, rcond=None)
    free = len(target) - known.shape[1]
    noise = float(np.sum((target - known @ found) ** 2)) / free
    spread = noise * (np.eye(len(dates)) + asked @ np.linalg.inv(known.T @ known) @ asked.T)
    point = np.exp(asked @ found)
    one = T90[free] * np.sqrt(np.diag(spread))
    total = T90[free] * float(np.sqrt(point @ spread @ point))
    table = pd.DataFrame(
        {"day": dates, "point": point, "low": point * np.exp(-one), "high": point * np.exp(one)}
    )
    return table, (point.sum(), point.sum() - total, point.sum() + total)


inputs = ask("forecast-inputs", from_=FIRST, to=LAST)
inputs["day"] = pd.to_datetime(inputs["day"])
assert inputs["whole"].all(), "a running day is no history"
train, test = inputs.iloc[:14], inputs.iloc[14:]
checked, _ = forecast(train, list(test["day"]))
truth = test["received"].to_numpy(dtype=float)
error = np.abs(checked["point"] - truth) / truth
naive = np.abs(train["received"].to_numpy(dtype=float)[7:] - truth) / truth
inside = int(((checked["low"] <= truth) & (truth <= checked["high"])).sum())

coming = [pd.Timestamp(LAST + timedelta(days=n)) for n in range(1, 8)]
ahead, (total, low, high) = forecast(inputs, coming)

fig, (left, right) = plt.subplots(1, 2, width_ratios=(1, 1.6))
where = np.arange(7)
left.errorbar(
    where,
    checked["point"],
    yerr=[checked["point"] - checked["low"], checked["high"] - checked["point"]],
    fmt="o",
    color=AMBER,
    capsize=3,
    ms=4,
    label="dự báo · forecast",
)
left.plot(where, truth, "_", color=TEAL, ms=14, mew=2.5, label="thật · happened")
left.set_xticks(where, [f"{day:%d/%m}" for day in test["day"]], rotation=45)
left.set_ylim(0, 1.35 * max(truth.max(), checked["high"].max()))
left.yaxis.set_major_formatter(WHOLE)
left.legend(loc="upper right")
titled(
    left,
    f"Kiểm lại: sai {percent(error.mean())}",
    f"Back-test: mean error {error.mean():.1%}",
    "ngày · day",
    "hồ sơ · dossiers",
)
right.plot(inputs["day"], inputs["received"], color=TEAL, marker="o", ms=3, label="đã có · known")
right.plot(ahead["day"], ahead["point"], color=AMBER, marker="o", ms=3, label="dự báo · forecast")
right.fill_between(
    ahead["day"],
    ahead["low"],
    ahead["high"],
    color=AMBER,
    alpha=0.2,
    lw=0,
    label="khoảng 90 % · 90% interval",
)
ticks = [*inputs["day"][::5], *ahead["day"][2::4]]
right.set_xticks(ticks, [f"{day:%d/%m}" for day in ticks], rotation=45)
right.set_ylim(0, 1.3 * ahead["high"].max())
right.yaxis.set_major_formatter(WHOLE)
right.legend(loc="upper left", ncols=3, fontsize=8)
titled(
    right,
    f"Tuần 22-28/7: {whole(total)} hồ sơ",
    f"Week of 22-28 July: {total:,.0f} dossiers",
    "ngày · day",
    None,
)
plt.show()
display(
    Markdown(
        f"Tuần 22-28/7: **{whole(total)}** hồ sơ, khoảng 90 % từ {whole(low)} đến {whole(high)}. Kiểm lại tuần 15-21/7: sai số "
        f"tuyệt đối trung bình **{percent(error.mean())}**, {inside}/7 ngày trong khoảng; cách ngây thơ sai "
        f"{percent(naive.mean())}. · 22-28 July: {total:,.0f}, 90% interval {low:,.0f} to {high:,.0f}. Back-test: mean "
        f"absolute error {error.mean():.1%}, {inside} of 7 days inside the interval; the naive forecast is off by "
        f"{naive.mean():.1%}.\n\n"
        "Ba tuần là ít: mỗi thứ trong tuần chỉ có ba lần, xu thế không thể tăng mãi, và không có ngày lễ nào để học. Số liệu "
        "mô phỏng lại được sinh gần như theo đúng dạng này, nên sai số thật ngoài đời sẽ lớn hơn. · Three weeks are little: "
        "three of each weekday, a trend that cannot go on for ever, and no holiday to learn from. The simulation follows almost "
        "this very form, so real errors will be greater."
    )
)

# %% [markdown]
# ## 4. Ở đâu chưa thể tin · Where the data is not trustworthy
#
# Đủ, muộn, trùng, sửa, số kê khai: từng mặt được đếm, không mặt nào thay cho mặt khác. Ngày ở đây là ngày dữ liệu *đến*
# với tỷ lệ đúng, đủ, sạch, sống, và ngày *xảy ra* với các mặt còn lại. · Complete, late, in conflict, corrected, declared:
# each is counted, none stands for another. Days are those of *arrival* for the shares, of *happening* for the rest.


# %%
def troubled(frame, *columns):
    """How many wards have something in one of these columns."""
    return int((frame[list(columns)].sum(axis=1) > 0).sum()) if len(frame) else 0


status = select("SELECT ward, ward_name, alive, complete, missing, differences FROM v_ward_status")
quality = ask("data-quality")
corrections = ask("corrections-by-cause", from_=FIRST, to=LAST)
closings = ask("closings-missing", from_=FIRST, to=LAST)
aspects = {
    "thiếu sự kiện · events missing": troubled(status, "missing"),
    "có thông điệp bị từ chối · messages rejected": troubled(quality, "rejected"),
    "số thứ tự dùng lại · seqs used again": troubled(quality, "conflicts"),
    "kê khai không khớp · declared totals differ": troubled(closings, "short", "over"),
    "có ngày làm việc chưa chốt · days not closed": troubled(closings, "not_declared"),
    "sổ khác dữ liệu gốc · books differ": troubled(status, "differences"),
}
fig, ax = plt.subplots(figsize=(8.6, 3.2))
labels = list(aspects)[::-1]
bars = ax.barh(
    labels,
    [aspects[name] for name in labels],
    color=[RED if aspects[name] else GREY for name in labels],
    height=0.6,
)
ax.bar_label(bars, padding=3)
ax.set_xlim(0, max(10, 1.15 * max(aspects.values())))
ax.grid(axis="y", visible=False)
titled(ax, "Bao nhiêu phường, xã có vấn đề gì", "How many wards have which trouble", "phường, xã · wards")
plt.show()

# %%
shares = {}
for name, (part, of) in {
    "đúng · accurate": ("rejected", "messages"),
    "đủ · complete": ("missing", "known"),
    "sạch · clean": (("conflicts", "mismatches"), "events"),
}.items():
    wrong = quality[[part] if isinstance(part, str) else list(part)].to_numpy().sum()
    shares[name] = (int(wrong), int(quality[of].sum()))
timely, counted = int(quality["timely"].sum()), int(quality["timely_of"].sum())
lines = ["| | sai · wrong | trong · of | tỷ lệ tốt · good |", "|---|---:|---:|---:|"]
for name, (wrong, of) in shares.items():
    lines.append(f"| {name} | {whole(wrong)} | {whole(of)} | {percent(1 - wrong / of, 3) if of else '-'} |")
good = percent(timely / counted, 1) if counted else "-"
lines.append(
    f"| sống (đến trong 15 phút) · live (within 15 minutes) | {whole(counted - timely)} | {whole(counted)} | {good} |"
)
display(Markdown("\n".join(lines)))
display(
    Markdown(
        f"Nạp bù (xảy ra trước ngày nơi đó gửi lần đầu): **{whole(quality['backfill'].sum())}** sự kiện. Tháng 7 được phát lại "
        "về sau, nên hầu như tất cả là nạp bù, và tỷ lệ sống chỉ nói về phần còn lại. · Backfill: "
        f"{quality['backfill'].sum():,} events. July was replayed later, so nearly all of it is backfill, and the live share "
        "speaks of the rest only."
    )
)

# %% [markdown]
# ### Số liệu đã thay đổi sau ngày · What changed after its day

# %%
CAUSES = {
    "late": "đến muộn · late",
    "backfill": "nạp bù · backfill",
    "repair": "gửi lại · sent again",
    "retraction": "rút lại · retraction",
}
if len(corrections):
    by_cause = corrections.groupby("cause")[["added", "taken_back"]].sum().sort_values("added")
    fig, ax = plt.subplots(figsize=(8.6, 2.6))
    causes = [CAUSES.get(cause, cause) for cause in by_cause.index]
    ax.barh(causes, by_cause["added"], color=TEAL, height=0.4, align="edge", label="thêm · added")
    ax.barh(
        causes,
        by_cause["taken_back"],
        color=RED,
        height=-0.4,
        align="edge",
        label="rút lại · taken back",
    )
    ax.set_xscale("symlog", linthresh=1)
    ax.xaxis.set_major_formatter(WHOLE)
    for place, (added, back) in enumerate(zip(by_cause["added"], by_cause["taken_back"], strict=True)):
        ax.text(added, place + 0.2, f" {whole(added)}", va="center", fontsize=8)
        ax.text(back, place - 0.2, f" {whole(back)}", va="center", fontsize=8)
    ax.margins(x=0.12)
    ax.grid(axis="y", visible=False)
    ax.legend(loc="lower right")
    titled(
        ax,
        "Bước thêm vào hoặc rút khỏi một ngày đã hết, theo nguyên nhân (thang log)",
        "Steps that came to, or were taken from, a day that was over, by cause (log scale)",
        "bước · steps",
    )
    plt.show()

# %% [markdown]
# ### Những nơi cần xem trước · Which wards to look at first

# %%
doubtful = ask("wards-not-trustworthy", from_=FIRST)
if len(doubtful):
    rows = ["| mã · code | phường, xã · ward | vì sao · why |", "|---|---|---|"]
    for _, row in doubtful.head(12).iterrows():
        rows.append(f"| {row['ward']} | {row['ward_name']} | {row['why_vi']} · *{row['why_en']}* |")
    display(Markdown("\n".join(rows)))
doubtful_share = days["received"].sum() and ask("wards-by-received", from_=FIRST, to=LAST)
touched = doubtful_share[doubtful_share["ward"].isin(doubtful["ward"] if len(doubtful) else [])][
    "received"
].sum()
display(
    Markdown(
        f"**{len(doubtful)}** phường, xã có ít nhất một lý do; chúng tiếp nhận {percent(touched / days['received'].sum())} số hồ "
        f"sơ của ba tuần. · {len(doubtful)} wards have at least one reason; they received "
        f"{touched / days['received'].sum():.1%} of the three weeks' dossiers."
    )
)

# %% [markdown]
# ## Điều sổ này không nói được · What this notebook cannot say
#
# - Số liệu là mô phỏng; nó cho thấy cách hỏi và cách nghi ngờ, không cho thấy Hà Nội. · It is simulated: it shows how to
#   ask and how to doubt, not Hanoi.
# - Đúng hạn là so theo ngày hẹn ghi trong sự kiện, chưa trừ thời gian chờ bổ sung. · On time is judged by the due date in
#   the events; waiting for a supplement is not taken off.
# - "Đủ" là đủ so với số thứ tự mà nơi gửi đã công bố; việc không bao giờ ghi vào hệ thống thì không ai thấy. · Complete
#   means complete against the seqs that a ward has announced; what was never recorded nobody sees.
