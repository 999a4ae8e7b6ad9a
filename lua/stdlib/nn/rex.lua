-- nn.rex: Perl's regular expressions by PCRE2, with the names and behaviour of lrexlib's rex_pcre2.
--
--   local rex = nn.rex
--   rex.match("conv1.weight", [[^(\w+)\.(?:weight|bias)$]])   --> conv1
--   rex.gsub("a1b22", [[\d+]], "<%0>")                         --> a<1>b<22>  2  2
--   for key, value in rex.gmatch("a=1, b=2", [[(\w)=(\d)]]) do print(key, value) end
--
-- A subject is a string, or a buffer: a table or userdata with a method topointer and a length. A pattern is a string or
-- what rex.new gave; the last few hundred strings are kept compiled. Compile flags (cf) are a sum of rex.flags() or
-- letters: i caseless, m multi-line, s dot matches newlines, x extended, U ungreedy, u UTF-8. Match flags (ef) are a sum
-- of rex.flags(). A locale (lo) is a name or rex.maketables(). Positions count from 1, in bytes; init may be negative.
-- Groups that took no part are false. gmatch, gsub, split and count pass over an empty match right after another match.
--
-- Where this is not lrexlib: with UTF-8, searches go on a character after an empty match, not a byte. The functions that
-- gsub calls may yield. Texts that are no UTF-8 are an error even with the flag NO_UTF_CHECK. Letters that are no flag
-- and numbers that are no integer are an error. And no call runs for ever: how far a pattern may go back and try again
-- is limited for a call as a whole, in relation to the length of the text, and Ctrl-C ends it.

local options = require "nn.internal.options"
local raw = require("nn.core").rex

raw.index_with(function(t, key)
  return t[key]
end)

local M = { _VERSION = "nn.rex, as Lrexlib 2.9.4 (for PCRE2)", _newmembuffer = raw._newmembuffer }

---@class nn.Regex: userdata a compiled pattern
---@field match fun(self: nn.Regex, s: string, init?: integer, ef?: integer): ...
---@field find fun(self: nn.Regex, s: string, init?: integer, ef?: integer): ...
---@field tfind fun(self: nn.Regex, s: string, init?: integer, ef?: integer): integer?, integer?, table?
---@field exec fun(self: nn.Regex, s: string, init?: integer, ef?: integer): integer?, integer?, table?
---@field dfa_exec fun(self: nn.Regex, s: string, init?: integer, ef?: integer, ovecsize?: integer, wscount?: integer):
---  integer?, integer[]?, integer? where the first match begins, where all matches from there end (the longest first),
---  and how many there are; 0: more than ovecsize / 2; ERROR_PARTIAL: with PARTIAL_SOFT or PARTIAL_HARD, the text ended
---@field patterninfo fun(self: nn.Regex): table<string, integer> what PCRE2 knows of the pattern
---@field fullinfo fun(self: nn.Regex): table<string, any> the same, with the pattern's PATTERN, NAMES and JIT
---@field jit_compile fun(self: nn.Regex, options?: integer): boolean, string? patterns are JIT-compiled without asking

---Compiles a pattern of Perl's regular expressions (PCRE2), for one that is used often. cf: compile flags, a sum of rex.flags()
---or letters: i caseless, m multi-line, s dot matches newlines, x extended, U ungreedy, u UTF-8. lo: a locale's name.
---@type fun(patt: string, cf?: integer|string, lo?: string|userdata): nn.Regex
---example:
---  > r = nn.rex.new("layer(\\d+)", "i")
---  > r:match "Layer12.weight"
---  12
---see: nn.rex.match, nn.rex.find, nn.Regex:match
M.new = raw.new

---Gives the groups of the first match (or the whole match, where the pattern has none); nil where there is none.
---@type fun(s: string, patt: string|nn.Regex, init?: integer, cf?: integer|string, ef?: integer, lo?: string|userdata): ...
---example:
---  > nn.rex.match("conv1.weight", [[^(\w+)\.(weight|bias)$]])
---  conv1	weight
---see: nn.rex.find, nn.rex.gmatch, nn.rex.new
M.match = raw.match

---Gives the first and last position of the first match, then its groups; nil where there is none.
---@type fun(s: string, patt: string|nn.Regex, init?: integer, cf?: integer|string, ef?: integer, lo?: string|userdata): ...
---example:
---  > nn.rex.find("loss = 0.25", [[\d+\.\d+]])
---  8	11
---see: nn.rex.match, nn.rex.tfind
M.find = raw.find

---Finds the first match with a table of groups: the first and last position, and a table of the groups by number and, for
---named groups, by name.
---@type fun(s: string, patt: string|nn.Regex, init?: integer, cf?: integer|string, ef?: integer, lo?: string|userdata): ...
---example:
---  > nn.rex.tfind("epoch 12", [[(?<word>\w+) (\d+)]])
---  1	8	{"epoch", "12", word = "epoch"}
---see: nn.rex.find, nn.rex.exec
M.tfind = raw.tfind

---Finds the first match as positions: the first and last, and a table of the groups' first and last positions (and named
---groups' texts by name).
---@type fun(s: string, patt: string|nn.Regex, init?: integer, cf?: integer|string, ef?: integer, lo?: string|userdata): ...
---example:
---  > nn.rex.exec("epoch 12", [[(\w+) (\d+)]])
---  1	8	{1, 5, 7, 8}
---see: nn.rex.tfind, nn.rex.find
M.exec = raw.exec

---Gives an iterator over the matches: their groups, or the whole match.
---@type fun(s: string, patt: string|nn.Regex, cf?: integer|string, ef?: integer, lo?: string|userdata): fun(): ...
---example:
---  > for key, value in nn.rex.gmatch("a=1, b=2", [[(\w)=(\d)]]) do print(key, value) end
---  a	1
---  b	2
---see: nn.rex.split, nn.rex.gsub, nn.rex.count
M.gmatch = raw.gmatch

---Gives an iterator over the parts between matches of `sep`: each part with the separator's groups (or the separator), the
---last part alone.
---@type fun(s: string, sep: string|nn.Regex, cf?: integer|string, ef?: integer, lo?: string|userdata): fun(): string?, ...
---example:
---  > for part in nn.rex.split("a, b;c", [[[,;]\s*]]) do print(part) end
---  a
---  b
---  c
---see: nn.rex.gmatch
M.split = raw.split

---Gives the number of matches.
---@type fun(s: string, patt: string|nn.Regex, cf?: integer|string, ef?: integer, lo?: string|userdata): integer
---example:
---  > nn.rex.count("0.1 0.25 3", [[\d+\.\d+]])
---  2
---see: nn.rex.gmatch, nn.rex.gsub
M.count = raw.count

---Replaces the matches of a pattern: gsub(s, patt, repl, n, cf, ef, lo) gives the result, the number of matches, the number of
---replacements.
---repl: a string (%0 the match, %1 .. %9 groups, %% a percent sign), a table (by the first group), or a function (of the
---groups); false or nil leaves the match as it is.
---n: how many matches at most, or a function(first, last, replacement). Its first result: true takes the replacement, a
---string that string, false or nil leaves the match; its second: a number is how many matches more without asking, true
---all others without asking.
---@type fun(s: string, patt: string|nn.Regex, repl: string|table|function, n?: integer|function, cf?: integer|string,
---  ef?: integer, lo?: string|userdata): string, integer, integer
---example:
---  > nn.rex.gsub("a1b22", [[\d+]], "<%0>")
---  a<1>b<22>	2	2
---see: nn.rex.gmatch, nn.rex.match
M.gsub = raw.gsub

---Gives PCRE2's constants by name (without PCRE2_): flags for compiling and matching, codes of errors. Fills t, or a new table.
---@type fun(t?: table): table<string, integer>
---example:
---  > nn.rex.flags().CASELESS
---  8
---see: nn.rex.new, nn.rex.config
M.flags = raw.flags

---Gives how PCRE2 was built. Fills t, or a new table.
---@type fun(t?: table): table<string, integer|string>
---example:
---  > nn.rex.config().UNICODE
---  1
---see: nn.rex.version, nn.rex.flags
M.config = raw.config

---Gives PCRE2's version.
---@type fun(): string
---example:
---  > nn.rex.version():match "^%d+%." ~= nil
---  true
---see: nn.rex.config, nn.versions
M.version = raw.version

---Gives character tables of the present locale: see os.setlocale; for the argument lo.
---@type fun(): userdata
---example:
---  > nn.rex.match("layer", "\\w+", 1, nil, nil, nn.rex.maketables())
---  layer
---see: nn.rex.new
M.maketables = raw.maketables

return options.namespace("nn.rex", M)
