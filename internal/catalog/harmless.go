package catalog

import "strings"

// mysqlHarmless are the words that may stand before a parenthesis in a routine
// of MySQL or MariaDB without a table being written: keywords, types and the
// system's own functions. A stored function of the same name must be called
// qualified or quoted, and then this list is not asked.
var mysqlHarmless = wordSet(`
and or not xor in exists if elseif else when then case while until repeat return values value set on using
between like rlike regexp is div mod any some all distinct select where having by from join as over
partition window rows range interval key index primary unique references with recursive limit call into
union except intersect binary collate end match against json_table use force ignore of do
sleep get_lock release_lock benchmark

char varchar nchar nvarchar binary varbinary bit tinyint smallint mediumint int integer bigint decimal numeric dec
fixed float double real text tinytext mediumtext longtext blob tinyblob mediumblob longblob enum
date time datetime timestamp year json signed unsigned

abs acos asin atan atan2 avg bin bit_and bit_count bit_length bit_or bit_xor cast ceil ceiling char_length
character_length coalesce concat concat_ws connection_id conv convert cos cot count crc32 curdate current_date
current_time current_timestamp current_user curtime database date_add date_format date_sub datediff day dayname
dayofmonth dayofweek dayofyear default degrees elt exp export_set extract extractvalue field find_in_set floor
format found_rows from_base64 from_days from_unixtime get_format greatest group_concat hex hour ifnull inet_aton
inet_ntoa inet6_aton inet6_ntoa insert instr isnull json_array json_array_append json_array_insert json_arrayagg
json_compact json_contains json_contains_path json_depth json_detailed json_exists json_extract json_insert
json_keys json_length json_merge json_merge_patch json_merge_preserve json_object json_objectagg json_overlaps
json_pretty json_query json_quote json_remove json_replace json_search json_set json_type json_unquote json_valid
json_value last_day last_insert_id lcase least left length ln localtime localtimestamp locate log log10 log2 lower
lpad ltrim make_set makedate maketime max md5 microsecond mid min minute month monthname now nullif nvl nvl2
oct octet_length ord period_add period_diff pi position pow power quarter quote radians rand regexp_instr
regexp_like regexp_replace regexp_substr replace reverse right round row_count row_number rank dense_rank lag lead
first_value last_value ntile rpad rtrim schema sec_to_time second session_user sha sha1 sha2 sign sin soundex space
sqrt std stddev stddev_pop stddev_samp str_to_date strcmp subdate substr substring substring_index subtime sum
sys_guid sysdate system_user tan time_format time_to_sec timediff timestampadd timestampdiff to_base64 to_days
to_seconds to_char trim truncate ucase uncompress unhex unix_timestamp updatexml upper user utc_date utc_time
utc_timestamp uuid uuid_short uuid_to_bin bin_to_uuid is_uuid var_pop var_samp variance version week weekday
weekofyear weight_string yearweek adddate addtime ascii compress aes_encrypt aes_decrypt nextval lastval setval
`)

func wordSet(words string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(words) {
		set[w] = true
	}
	return set
}
